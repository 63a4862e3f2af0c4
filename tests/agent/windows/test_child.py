"""A child process on Windows: a new interpreter in a job object, which ends with all that it started."""

import sys

assert sys.platform == "win32"

import subprocess
import time
from pathlib import Path

import psutil
import pytest

from prerequis.v1.facts_pb2 import Facts, Machine
from prerequis.v1.report_pb2 import ProbeRun
from prerequis_agent import child, runner
from prerequis_agent.host import Host
from prerequis_agent.probe import Observation, Probe
from prerequis_agent.progress import Silent
from prerequis_agent.windows.job import Job

SLEEP = (sys.executable, "-c", "import time; time.sleep(60)")
NOTED = "programme.pid"


def found(host: Host) -> Observation:
    return Observation(Machine(cores=4))


def hang_with_a_program(host: Host) -> Observation:
    with subprocess.Popen(SLEEP) as program:
        (host.root / NOTED).write_text(str(program.pid))
        # As in native code: the interpreter's lock is kept, nothing else of this process runs.
        ctypes_sleep(60_000)
    raise AssertionError


def ctypes_sleep(milliseconds: int) -> None:
    import ctypes

    ctypes.PyDLL("kernel32").Sleep(milliseconds)


def gone(pid: int) -> bool:
    ends = time.monotonic() + 60
    while psutil.pid_exists(pid) and time.monotonic() < ends:
        time.sleep(0.05)
    return not psutil.pid_exists(pid)


def test_a_hung_probe_is_ended_with_the_program_it_started_and_the_others_are_kept(tmp_path: Path) -> None:
    """peers.md §3 row 27, where a process is not forked."""
    probes = (
        Probe("machine", found),
        Probe("system", hang_with_a_program, deadline_seconds=4),
        Probe("network", found),
    )
    started = time.monotonic()
    scan = runner.run(probes, Host(tmp_path), Silent())
    assert time.monotonic() - started < 50
    # The last one brings facts that are not its own.
    assert [one.outcome for one in scan.runs] == [ProbeRun.FOUND, ProbeRun.TIMED_OUT, ProbeRun.FAILED]
    assert scan.facts == Facts(machine=Machine(cores=4))
    assert gone(int((tmp_path / NOTED).read_text()))


def leave_a_program(send: child.Send) -> None:
    program = subprocess.Popen(SLEEP)
    send(str(program.pid).encode())


def test_a_program_that_a_child_leaves_behind_ends_with_it() -> None:
    process = child.start(leave_a_program)
    pid = int(process.receive(120) or b"0")
    assert psutil.pid_exists(pid)
    process.end()
    assert gone(pid)


def test_a_child_does_not_outlive_an_agent_that_is_killed() -> None:
    program = """
from tests.agent.windows.test_child import child, leave_a_program
process = child.start(leave_a_program)
print(process.receive(120).decode(), flush=True)
process.receive(120)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as agent:
        assert agent.stdout
        pid = int(agent.stdout.readline())
        assert psutil.pid_exists(pid)
        agent.kill()
    assert gone(pid)


def test_a_job_holds_the_descendants_and_ends_them() -> None:
    with subprocess.Popen(SLEEP) as program:
        job = Job(program.pid, 100 * 1024 * 1024)
        usage = job.usage()
        assert usage.cpu_seconds >= 0
        assert usage.memory_bytes >= 0
        job.end()
        assert program.wait(60) == 1


def test_an_absent_process_is_held_by_no_job() -> None:
    with pytest.raises(OSError, match="WinError 87"):
        Job(0x7FFFFFF0, 1)
