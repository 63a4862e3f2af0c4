"""What the agent costs the machine, and how it holds itself back."""

import contextlib
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

if sys.platform != "win32":
    import resource

MOST_MEMORY_BYTES = 192 * 1024 * 1024
"""What the processes that observe may take together; osquery's watchdog allows 200 MB."""

_NICENESS = 10
_KIB = 1024


@dataclass(frozen=True, slots=True)
class Usage:
    """Processor seconds spent and bytes of memory held."""

    cpu_seconds: float
    memory_bytes: int


def lower_priority() -> None:
    """Let every other program go first; the probes' processes inherit it."""
    with contextlib.suppress(OSError):  # a machine that forbids it is observed all the same
        if sys.platform == "win32":
            import psutil

            psutil.Process().nice(psutil.IDLE_PRIORITY_CLASS)
        else:
            os.nice(_NICENESS)


def limit_memory() -> None:
    """Make this process, and each program that it starts, meet a MemoryError rather than fill the machine's memory."""
    if sys.platform == "linux":  # elsewhere the system takes no account of this limit, and only `tree` watches
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        most = MOST_MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(MOST_MEMORY_BYTES, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


def spent_seconds() -> float:
    """Return the processor time of this process and, except on Windows, of the programs that it ran to their end."""
    own = time.process_time()
    if sys.platform == "win32":
        return own
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own + children.ru_utime + children.ru_stime


def memory_bytes(*others: int) -> int | None:
    """Return the memory that this process and others hold now, or None when the system does not tell it.

    On Linux memory that several share is counted once (proportional set size).
    """
    if sys.platform == "linux":
        sizes = [_proportional(pid) for pid in ("self", *map(str, others))]
        return sum(filter(None, sizes)) or None
    import psutil

    with contextlib.suppress(psutil.Error):
        return sum(psutil.Process(pid).memory_info().rss for pid in (os.getpid(), *others))
    return None


def _proportional(pid: str) -> int | None:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * _KIB
    return None


def tree(pid: int) -> Usage:
    """Return what a child and its descendants use; nothing for one that has just ended."""
    return _tree_of_proc(pid) if sys.platform == "linux" else _tree_of_psutil(pid)


def _tree_of_proc(pid: int) -> Usage:
    # psutil would say the same for 50 ms of processor time, which a probe that only waits does not deserve.
    tick = os.sysconf("SC_CLK_TCK")
    cpu, memory, found = 0.0, 0, [pid]
    for one in found:
        try:
            # proc(5): the name, in parentheses, may hold anything; fields 14 to 17 are times, the last two of children
            # that have ended.
            times = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()[11:15]
            cpu += sum(map(int, times if one == pid else times[:2])) / tick
            memory += int(Path(f"/proc/{one}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            found += [
                int(child)
                for thread in Path(f"/proc/{one}/task").iterdir()
                for child in (thread / "children").read_text().split()
            ]
        except OSError:  # it has just ended
            continue
    return Usage(cpu, memory)


def _tree_of_psutil(pid: int) -> Usage:
    import psutil

    cpu, memory = 0.0, 0
    with contextlib.suppress(psutil.Error):
        head = psutil.Process(pid)
        times = head.cpu_times()
        cpu = times.children_user + times.children_system
        for process in [head, *head.children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                own = process.cpu_times()
                cpu += own.user + own.system
                memory += process.memory_info().rss
    return Usage(cpu, memory)


def kill_tree(pid: int) -> None:
    """End a child and every program that it left at work."""
    import psutil

    with contextlib.suppress(psutil.Error):
        head = psutil.Process(pid)
        # The head first stands still, so that it starts nothing more while its descendants are counted.
        head.suspend()
        for process in [*head.children(recursive=True), head]:
            with contextlib.suppress(psutil.Error):
                process.kill()
