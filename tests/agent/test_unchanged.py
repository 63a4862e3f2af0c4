"""What counts as a change, and what moves by itself."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from prerequis.v1.facts_pb2 import Endpoint, Facts, Firewall, Line, Machine, Services, System
from prerequis.v1.line_pb2 import LineFlag
from prerequis.v1.report_pb2 import Cost, ProbeRun, Report, Workstation
from prerequis_agent.unchanged import is_unchanged

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def report(days: float = 0) -> Report:
    """Return what a machine says, so many days after the first time, when nothing happened to it."""
    at = NOW + timedelta(days=days)
    facts = Facts(
        machine=Machine(memory_bytes=8 * 1024**3, system_volume_free_bytes=50 * 1024**3 - int(days * 10**8)),
        system=System(build=26100),
        services=Services(endpoints=[Endpoint(host="dui.example", reachable=True, name_seconds=0.01 + days)]),
        line=Line(down_bits_per_second=1e7 + days, streams=1),
    )
    facts.system.booted_at.FromDatetime(at - timedelta(hours=5))
    facts.line.started_at.FromDatetime(at)
    made = Report(
        agent_version="1",
        workstation=Workstation(id="a", role=Workstation.CARE),
        facts=facts,
        probes=[ProbeRun(name="machine", outcome=ProbeRun.FOUND, wall_seconds=0.1 + days, cpu_seconds=0.01)],
        cost=Cost(wall_seconds=1 + days, memory_bytes=int(10**7 + days)),
    )
    made.collected_at.FromDatetime(at)
    return made


def test_the_same_machine_a_day_later_is_unchanged() -> None:
    assert is_unchanged(report(), report(1))


def test_a_line_measured_again_is_unchanged() -> None:
    kept, later = report(), report(1)
    for one, moved in ((kept, 1_597_440), (later, 1_613_824)):
        one.facts.line.bytes_moved = moved
        one.facts.line.down.bins.extend([moved // 10] * 10)
        one.facts.line.conditions.method_version = 2
    later.facts.line.flags.append(LineFlag.UNSTEADY)
    assert is_unchanged(kept, later)


def test_after_a_week_everything_is_told_again() -> None:
    kept, later = report(), report()
    later.collected_at.FromDatetime(NOW + timedelta(days=7))
    assert not is_unchanged(kept, later)


def test_a_report_from_before_is_not_a_confirmation() -> None:
    assert not is_unchanged(report(1), report())


def _patched(one: Report) -> None:
    one.facts.system.build = 26200


def _unreachable(one: Report) -> None:
    one.facts.services.endpoints[0].reachable = False


def _more_endpoints(one: Report) -> None:
    one.facts.services.endpoints.add(host="insi.example")


def _role(one: Report) -> None:
    one.workstation.role = Workstation.SECRETARIAT


def _outcome(one: Report) -> None:
    one.probes[0].outcome = ProbeRun.TIMED_OUT


def _no_longer_known(one: Report) -> None:
    one.facts.line.ClearField("down_bits_per_second")


def _nothing_found(one: Report) -> None:
    one.facts.firewall.CopyFrom(Firewall())


def _older(one: Report) -> None:
    one.facts.system.booted_at.FromDatetime(NOW - timedelta(days=30))


def _full_disk(one: Report) -> None:
    one.facts.machine.system_volume_free_bytes = 10**9


@pytest.mark.parametrize(
    "change",
    [
        _patched, _unreachable, _more_endpoints, _role, _outcome, _no_longer_known, _nothing_found, _older, _full_disk,
    ],
)  # fmt: skip
def test_a_change_is_told(change: Callable[[Report], None]) -> None:
    later = report(1)
    change(later)
    assert not is_unchanged(report(), later)


def test_comparing_changes_neither_report() -> None:
    kept, later = report(), report(1)
    is_unchanged(kept, later)
    assert (kept, later) == (report(), report(1))
