"""Probes that wait for the network: beside each other, but for the one that loads the line."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.agent.endless import LONG_BEFORE_IT_WOULD_END

from prerequis.v1.facts_pb2 import Facts, Firewall, Line, Machine, Network, Services, System
from prerequis.v1.report_pb2 import ProbeRun
from prerequis_agent import runner
from prerequis_agent.host import Host
from prerequis_agent.probe import Observation, Probe
from prerequis_agent.progress import Silent


@dataclass
class Watching(Silent):
    """Says that a probe was given up as soon as it is."""

    given_up: threading.Event = field(default_factory=threading.Event)

    def ended(self, run: ProbeRun) -> None:
        if run.outcome == ProbeRun.TIMED_OUT:
            self.given_up.set()


def test_what_the_network_brings_after_the_deadline_is_not_listened_to() -> None:
    watching, brought = Watching(), threading.Event()

    def late(host: Host) -> Observation:
        watching.given_up.wait(LONG_BEFORE_IT_WOULD_END)
        brought.set()
        return Observation(System(release="12"))

    def slow(host: Host) -> Observation:
        brought.wait(LONG_BEFORE_IT_WOULD_END)
        # Leaves the late one the time to be heard before this one ends.
        time.sleep(0.3)
        return Observation(Machine(cores=4))

    probes = (
        Probe("machine", slow, deadline_seconds=LONG_BEFORE_IT_WOULD_END, uses_surroundings=True),
        Probe("system", late, deadline_seconds=0.2, uses_surroundings=True),
    )
    scan = runner.run(probes, Host(), watching)
    assert brought.is_set()
    assert scan.facts == Facts(machine=Machine(cores=4))
    assert scan.runs[1].outcome == ProbeRun.TIMED_OUT


def test_probes_of_the_network_run_side_by_side() -> None:
    all_at_work = threading.Barrier(4)

    def at_work(message: Machine | System | Network | Firewall) -> Callable[[Host], Observation]:
        def observe(host: Host) -> Observation:
            all_at_work.wait(LONG_BEFORE_IT_WOULD_END)
            return Observation(message)

        return observe

    probes = [
        Probe(
            kind.DESCRIPTOR.name.lower(),
            at_work(kind()),
            deadline_seconds=2 * LONG_BEFORE_IT_WOULD_END,
            uses_surroundings=True,
        )
        for kind in (Machine, System, Network, Firewall)
    ]
    scan = runner.run(probes, Host(), Silent())
    assert [one.outcome for one in scan.runs] == [ProbeRun.NOTHING] * 4


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

    probes = (
        Probe("line", line, alone=True, uses_surroundings=True),
        Probe("services", slow, uses_surroundings=True),
    )
    scan = runner.run(probes, Host(), Silent())
    assert seen == [[]]
    assert [one.name for one in scan.runs] == ["line", "services"]
