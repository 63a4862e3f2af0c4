"""How probes end, and that none keeps the others or the process from ending.

What a probe of these tests does stands at the top, so that it can travel to a child that is not a fork of this process.
"""

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from google.protobuf.message import Message
from tests.agent.endless import LONG_BEFORE_IT_WOULD_END, ends, hang, hang_in_native_code

from prerequis.v1.exposure_pb2 import Power
from prerequis.v1.facts_pb2 import Facts, Machine, Network, Smartcard, System
from prerequis.v1.report_pb2 import ProbeRun
from prerequis_agent import apart, child, cost, runner
from prerequis_agent.errors import NotPermitted, TimedOut, Unsupported
from prerequis_agent.host import Host
from prerequis_agent.probe import Observation, Probe
from prerequis_agent.progress import Silent


@pytest.fixture(autouse=sys.platform != "win32")
def own_memory_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child forked from here begins with the memory of every test before it: the cap is for what comes on top."""
    most = cost.MOST_MEMORY_BYTES + cost.tree(os.getpid()).memory_bytes
    monkeypatch.setattr(cost, "MOST_MEMORY_BYTES", most)


def _bring(message: Message, host: Host) -> Observation:
    return Observation(message)


def bringing(message: Message) -> Callable[[Host], Observation]:
    return partial(_bring, message)


machine = bringing(Machine(cores=4))


def run(*probes: Probe) -> runner.Scan:
    return runner.run(probes, Host(), Silent())


def _raise(problem: BaseException, host: Host) -> Observation:
    raise problem


def raising(problem: BaseException) -> Callable[[Host], Observation]:
    return partial(_raise, problem)


def spin(host: Host) -> Observation:
    while True:
        math.factorial(500)


def die(host: Host) -> Observation:
    os.kill(os.getpid(), signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
    raise AssertionError


def hang_with_a_program(noted: Path, host: Host) -> Observation:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True) as process:
        noted.write_text(str(process.pid))
        hang_in_native_code(host)
    raise AssertionError


def eat(host: Host) -> Observation:
    return Observation(Machine(cores=len(bytearray(2 * cost.MOST_MEMORY_BYTES))))


def spend(seconds: float, message: Message, host: Host) -> Observation:
    ends = time.process_time() + seconds
    while time.process_time() < ends:
        math.factorial(500)
    return Observation(message, "Deux disques.")


def spend_in_a_program(host: Host) -> Observation:
    spin_program = "import time\nwhile time.process_time() < 0.3: pass"
    subprocess.run([sys.executable, "-S", "-c", spin_program], check=True)
    return Observation(Machine(cores=4))


ENDINGS: dict[str, tuple[Callable[[Host], Observation], float]] = {
    "machine": (machine, 2),
    "system": (raising(KeyError("cores")), 2),
    "network": (raising(NotPermitted("Pas le droit.")), 2),
    "smartcard": (bringing(Smartcard()), 2),
    "firewall": (raising(Unsupported("Pas ici.")), 2),
    "accounts": (raising(TimedOut("Trop long.")), 2),
    "antivirus": (raising(SystemExit(3)), 2),
    "backup": (bringing(System(release="12")), 2),
    "browsers": (raising(ValueError("x" * 5000)), 2),
    "power": (partial(spend, 0.05, Power(chassis=3)), 0.01),
}
"""What each probe does, and its budget in seconds; all in one child, whose start costs more than they do."""


@pytest.fixture(scope="module")
def endings() -> runner.Scan:
    return run(*(Probe(name, act, cpu_budget_seconds=budget) for name, (act, budget) in ENDINGS.items()))


def ending(scan: runner.Scan, name: str) -> ProbeRun:
    return next(one for one in scan.runs if one.name == name)


def test_what_a_probe_brings_back_is_found(endings: runner.Scan) -> None:
    assert endings.facts.machine == Machine(cores=4)
    assert ending(endings, "machine").outcome == ProbeRun.FOUND
    assert [one.name for one in endings.runs] == list(ENDINGS)


def test_an_empty_message_says_that_there_is_nothing_and_is_present(endings: runner.Scan) -> None:
    assert endings.facts.HasField("smartcard")
    assert ending(endings, "smartcard").outcome == ProbeRun.NOTHING


@pytest.mark.parametrize(
    ("name", "outcome", "detail"),
    [
        ("network", ProbeRun.NOT_PERMITTED, "Pas le droit."),
        ("firewall", ProbeRun.UNSUPPORTED, "Pas ici."),
        ("accounts", ProbeRun.TIMED_OUT, "Trop long."),
        ("system", ProbeRun.FAILED, "KeyError : 'cores'"),
        ("antivirus", ProbeRun.FAILED, "SystemExit : 3"),
    ],
)
def test_what_a_probe_raises_is_its_outcome_and_leaves_no_facts(
    endings: runner.Scan, name: str, outcome: ProbeRun.Outcome.ValueType, detail: str
) -> None:
    assert name not in {field.name for field, _ in endings.facts.ListFields()}
    assert (ending(endings, name).outcome, ending(endings, name).detail) == (outcome, detail)


def test_facts_of_another_probe_are_a_failure(endings: runner.Scan) -> None:
    assert ending(endings, "backup").outcome == ProbeRun.FAILED
    assert not endings.facts.HasField("backup")


def test_a_long_failure_is_cut_short(endings: runner.Scan) -> None:
    assert ending(endings, "browsers").outcome == ProbeRun.FAILED
    assert len(ending(endings, "browsers").detail) <= 300


def test_a_probe_that_ends_over_its_budget_says_so_and_keeps_its_facts(endings: runner.Scan) -> None:
    assert ending(endings, "power").outcome == ProbeRun.OVER_BUDGET
    assert ending(endings, "power").detail.endswith("Deux disques.")
    assert endings.facts.power.chassis == 3


def test_what_was_held_in_memory_is_told(endings: runner.Scan) -> None:
    assert 10_000_000 < endings.memory_bytes < 500_000_000


def test_a_hung_probe_times_out_and_the_others_are_kept() -> None:
    started = time.monotonic()
    scan = run(Probe("machine", machine), Probe("system", hang, deadline_seconds=0.4))
    assert time.monotonic() - started < LONG_BEFORE_IT_WOULD_END
    assert [one.outcome for one in scan.runs] == [ProbeRun.FOUND, ProbeRun.TIMED_OUT]
    assert scan.facts == Facts(machine=Machine(cores=4))
    assert scan.runs[1].detail == "Pas de réponse en 0,4 s."


def test_one_slow_test_never_hangs_the_run() -> None:
    """peers.md §3 row 27, and row 15: whatever hangs is ended, named, and what came before and after it is kept."""
    started = time.monotonic()
    scan = run(
        Probe("machine", machine),
        Probe("system", hang_in_native_code, deadline_seconds=0.4),
        Probe("network", bringing(Network(dhcp=True))),
    )
    assert time.monotonic() - started < LONG_BEFORE_IT_WOULD_END
    assert [one.outcome for one in scan.runs] == [ProbeRun.FOUND, ProbeRun.TIMED_OUT, ProbeRun.FOUND]
    assert scan.facts == Facts(machine=Machine(cores=4), network=Network(dhcp=True))


def test_the_sudden_death_of_the_process_is_the_outcome_of_the_probe_at_work() -> None:
    scan = run(Probe("machine", machine), Probe("system", die), Probe("network", bringing(Network())))
    assert [one.outcome for one in scan.runs] == [ProbeRun.FOUND, ProbeRun.FAILED, ProbeRun.NOTHING]
    how = "code 15" if sys.platform == "win32" else "signal 9"
    assert scan.runs[1].detail == f"Le processus d'observation s'est arrêté pendant cette sonde ({how})."


def test_what_a_program_spends_is_spent_by_the_probe_that_ran_it() -> None:
    first, second = run(Probe("machine", spend_in_a_program), Probe("system", bringing(System()))).runs
    assert first.cpu_seconds >= 0.3
    assert second.cpu_seconds < 0.1


def test_a_program_of_a_probe_that_is_ended_ends_too(tmp_path: Path) -> None:
    noted = tmp_path / "pid"
    run(Probe("machine", partial(hang_with_a_program, noted), deadline_seconds=3))
    assert ends(int(noted.read_text()))


def test_a_probe_that_eats_memory_meets_the_cap_and_is_named() -> None:
    """peers.md §3 row 14: a cap that is met is a result of its own."""

    scan = run(Probe("machine", eat), Probe("system", bringing(System(release="12"))))
    assert [one.outcome for one in scan.runs] == [ProbeRun.OVER_BUDGET, ProbeRun.FOUND]
    assert "mémoire" in scan.runs[0].detail


def test_all_probes_together_hold_to_a_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "WHOLE_CPU_SECONDS", 0.1)
    scan = run(Probe("machine", partial(spend, 0.2, Machine(cores=4))), Probe("system", hang), Probe("network", hang))
    assert [one.outcome for one in scan.runs] == [ProbeRun.FOUND, ProbeRun.OVER_BUDGET, ProbeRun.OVER_BUDGET]
    assert scan.facts == Facts(machine=Machine(cores=4))


def no_words(send: child.Send) -> None:
    """Say nothing at all, not even that the work begins."""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux is read without psutil")
def test_a_tree_is_counted_as_psutil_counts_it() -> None:
    """What its children left at their end counts too."""
    spin = "import subprocess, sys, time\nwhile time.process_time() < 0.2: pass\n"
    program = (
        f"{spin}subprocess.run([sys.executable, '-S', '-c', {spin!r}])\nprint('here', flush=True)\nsys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout and process.stdout.readline() == "here\n"
        ours, theirs = cost.tree(process.pid), cost._tree_of_psutil(process.pid)
        assert ours.cpu_seconds == pytest.approx(theirs.cpu_seconds, abs=0.05)
        assert ours.cpu_seconds > 0.35
        assert ours.memory_bytes == pytest.approx(theirs.memory_bytes, rel=0.1)
    assert cost.tree(process.pid) == cost.Usage(0, 0)


def test_a_probe_that_spins_is_given_up_at_its_budget() -> None:
    scan = run(Probe("machine", spin, cpu_budget_seconds=0.2))
    assert scan.runs[0].outcome == ProbeRun.OVER_BUDGET
    assert scan.runs[0].cpu_seconds > 0.2
    assert scan.runs[0].wall_seconds < LONG_BEFORE_IT_WOULD_END


def test_every_probe_is_named_after_its_module_and_its_field() -> None:
    probes = runner.discover()
    assert {"services", "line"} <= {probe.name for probe in probes}
    fields = [field.name for field in Facts.DESCRIPTOR.fields]
    assert [probe.name for probe in probes] == [name for name in fields if name in {probe.name for probe in probes}]


def test_a_hung_probe_does_not_keep_the_process_from_ending() -> None:
    program = """
from tests.agent.test_runner import Probe, hang, run
run(Probe("machine", hang, deadline_seconds=0.1))
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=LONG_BEFORE_IT_WOULD_END)


def start_late(work: child.Work, send: child.Send) -> None:
    time.sleep(2.0)
    work(send)


def test_the_start_of_the_child_is_no_part_of_the_deadline_of_a_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    real = child.start
    monkeypatch.setattr(child, "start", lambda work: real(partial(start_late, work)))
    scan = run(Probe("machine", machine, deadline_seconds=1.5), Probe("system", hang, deadline_seconds=0.3))
    assert [one.outcome for one in scan.runs] == [ProbeRun.FOUND, ProbeRun.TIMED_OUT]


def test_a_child_that_cannot_start_is_not_started_again_for_each_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[child.Work] = []
    real = child.start

    def start(work: child.Work) -> child.Child:
        started.append(work)
        return real(no_words)

    monkeypatch.setattr(child, "start", start)
    scan = run(Probe("machine", machine), Probe("system", hang))
    assert [one.outcome for one in scan.runs] == [ProbeRun.FAILED] * 2
    assert "ne démarre pas" in scan.runs[1].detail
    assert len(started) == 1


def test_every_probe_can_travel_to_a_new_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows and macOS, where the child is not forked."""
    forked = child.start
    monkeypatch.setattr(child, "start", lambda work: forked(work, forking=False))
    probes = [probe for probe in runner.discover() if not probe.uses_surroundings]
    scan = runner.run(probes, Host(), Silent())
    assert [one.name for one in scan.runs] == [probe.name for probe in probes]
    assert [one.name for one in scan.runs if one.outcome == ProbeRun.FAILED] == []
    assert scan.facts.HasField("machine")
