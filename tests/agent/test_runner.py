"""How probes end, and that none keeps the others or the process from ending."""

import math
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from prerequis.v1.facts_pb2 import Facts, Firewall, Line, Machine, Network, Services, System
from prerequis.v1.report_pb2 import ProbeRun
from prerequis_agent import runner
from prerequis_agent.errors import NotPermitted, TimedOut, Unsupported
from prerequis_agent.host import Host
from prerequis_agent.probe import Observation, Probe
from prerequis_agent.progress import Silent


def machine(host: Host) -> Observation:
    return Observation(Machine(cores=4))


def run(*probes: Probe) -> runner.Scan:
    return runner.run(probes, Host(), Silent())


def raising(problem: BaseException) -> Callable[[Host], Observation]:
    def observe(host: Host) -> Observation:
        raise problem

    return observe


def hang(host: Host) -> Observation:
    time.sleep(60)
    raise AssertionError


def spin(host: Host) -> Observation:
    ends = time.monotonic() + 5
    while time.monotonic() < ends:
        math.factorial(500)
    raise AssertionError


def test_what_a_probe_brings_back_is_found() -> None:
    scan = run(Probe("machine", machine))
    assert scan.facts == Facts(machine=Machine(cores=4))
    assert [(one.name, one.outcome) for one in scan.runs] == [("machine", ProbeRun.FOUND)]


def test_an_empty_message_says_that_there_is_nothing_and_is_present() -> None:
    scan = run(Probe("machine", lambda host: Observation(Machine())))
    assert scan.facts.HasField("machine")
    assert scan.runs[0].outcome == ProbeRun.NOTHING


@pytest.mark.parametrize(
    ("problem", "outcome", "detail"),
    [
        (NotPermitted("Pas le droit."), ProbeRun.NOT_PERMITTED, "Pas le droit."),
        (Unsupported("Pas ici."), ProbeRun.UNSUPPORTED, "Pas ici."),
        (TimedOut("Trop long."), ProbeRun.TIMED_OUT, "Trop long."),
        (KeyError("cores"), ProbeRun.FAILED, "KeyError : 'cores'"),
        (SystemExit(3), ProbeRun.FAILED, "SystemExit : 3"),
    ],
)
def test_what_a_probe_raises_is_its_outcome_and_leaves_no_facts(
    problem: BaseException, outcome: ProbeRun.Outcome.ValueType, detail: str
) -> None:
    scan = run(Probe("machine", raising(problem)))
    assert not scan.facts.HasField("machine")
    assert (scan.runs[0].outcome, scan.runs[0].detail) == (outcome, detail)


def test_facts_of_another_probe_are_a_failure() -> None:
    scan = run(Probe("machine", lambda host: Observation(System(release="12"))))
    assert scan.runs[0].outcome == ProbeRun.FAILED
    assert scan.facts == Facts()


def test_a_long_failure_is_cut_short() -> None:
    assert len(run(Probe("machine", raising(ValueError("x" * 5000)))).runs[0].detail) <= 300


def test_a_hung_probe_times_out_and_the_others_are_kept() -> None:
    started = time.monotonic()
    scan = run(Probe("machine", machine), Probe("system", hang, deadline_seconds=0.4))
    assert time.monotonic() - started < 3
    assert [one.outcome for one in scan.runs] == [ProbeRun.FOUND, ProbeRun.TIMED_OUT]
    assert scan.facts == Facts(machine=Machine(cores=4))
    assert scan.runs[1].detail == "Pas de réponse en 0,4 s."


def test_what_comes_after_the_deadline_is_not_listened_to() -> None:
    def late(host: Host) -> Observation:
        time.sleep(0.6)
        return Observation(System(release="12"))

    def slow(host: Host) -> Observation:
        time.sleep(1.0)
        return Observation(Machine(cores=4))

    scan = run(Probe("machine", slow), Probe("system", late, deadline_seconds=0.2))
    assert scan.facts == Facts(machine=Machine(cores=4))
    assert scan.runs[1].outcome == ProbeRun.TIMED_OUT


def test_a_probe_that_spins_is_given_up_at_its_budget() -> None:
    scan = run(Probe("machine", spin, cpu_budget_seconds=0.2))
    assert scan.runs[0].outcome == ProbeRun.OVER_BUDGET
    assert scan.runs[0].cpu_seconds > 0.2
    assert scan.runs[0].wall_seconds < 4


def test_a_probe_that_ends_over_its_budget_says_so_and_keeps_its_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "_POLL_SECONDS", 10.0)  # it ends before anybody looks

    def costly(host: Host) -> Observation:
        ends = time.thread_time() + 0.05
        while time.thread_time() < ends:
            math.factorial(500)
        return Observation(Machine(cores=4), "Deux disques.")

    scan = run(Probe("machine", costly, cpu_budget_seconds=0.01))
    assert scan.runs[0].outcome == ProbeRun.OVER_BUDGET
    assert scan.runs[0].detail.endswith("Deux disques.")
    assert scan.facts.machine.cores == 4


def test_probes_run_side_by_side() -> None:
    def slow(message: Machine | System | Network | Firewall) -> Callable[[Host], Observation]:
        def observe(host: Host) -> Observation:
            time.sleep(0.4)
            return Observation(message)

        return observe

    started = time.monotonic()
    run(*(Probe(kind.DESCRIPTOR.name.lower(), slow(kind())) for kind in (Machine, System, Network, Firewall)))
    assert time.monotonic() - started < 1.2


def test_a_probe_that_loads_the_network_runs_alone_and_last() -> None:
    at_work: list[str] = []
    seen: list[list[str]] = []

    def slow(host: Host) -> Observation:
        at_work.append("services")
        time.sleep(0.3)
        at_work.remove("services")
        return Observation(Services())

    def line(host: Host) -> Observation:
        seen.append(list(at_work))
        return Observation(Line(streams=1))

    scan = run(Probe("line", line, alone=True), Probe("services", slow))
    assert seen == [[]]
    assert [one.name for one in scan.runs] == ["line", "services"]


def test_every_probe_is_named_after_its_module_and_its_field() -> None:
    probes = runner.discover()
    assert {"services", "line"} <= {probe.name for probe in probes}
    fields = [field.name for field in Facts.DESCRIPTOR.fields]
    assert [probe.name for probe in probes] == [name for name in fields if name in {probe.name for probe in probes}]


def test_a_hung_probe_does_not_keep_the_process_from_ending() -> None:
    program = """
import time
from prerequis_agent.host import Host
from prerequis_agent.probe import Probe
from prerequis_agent.progress import Silent
from prerequis_agent.runner import run
run([Probe("machine", lambda host: time.sleep(60), deadline_seconds=0.1)], Host(), Silent())
"""
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", program], check=True, timeout=20)
    assert time.monotonic() - started < 10
