"""Runs probes side by side, each in a thread of this process: those that wait for the network."""

import queue
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from prerequis.v1.facts_pb2 import Facts
from prerequis.v1.report_pb2 import ProbeRun
from prerequis_agent.attempt import attempt, overrun
from prerequis_agent.host import Host
from prerequis_agent.probe import Probe
from prerequis_agent.progress import Progress

_POLL_SECONDS = 0.1


@dataclass(eq=False, slots=True)
class _Thread:
    probe: Probe
    started: float = field(default_factory=time.perf_counter)
    cpu_clock: int | None = None
    """The system's clock of the thread's processor time, where it has one that another thread can read."""

    def cpu_seconds(self) -> float:
        """Return the processor time spent so far; 0 where it cannot be read from outside."""
        if self.cpu_clock is None:
            return 0.0
        try:
            return time.clock_gettime(self.cpu_clock)
        except OSError:  # the thread has just ended
            return 0.0


_Ended = queue.SimpleQueue[tuple[_Thread, Facts, ProbeRun]]


def run(probes: Sequence[Probe], host: Host, progress: Progress) -> Iterator[tuple[Facts, ProbeRun]]:
    """Give what each probe brings back as it ends.

    A probe that hangs or spins is left behind in its thread, which does not keep the process from ending.
    """
    ended: _Ended = queue.SimpleQueue()
    running: set[_Thread] = set()
    for probe in probes:
        thread = _Thread(probe)
        running.add(thread)
        progress.started(probe.name)
        threading.Thread(target=_observe, args=(thread, host, ended), name=f"probe-{probe.name}", daemon=True).start()
    while running:
        try:
            thread, facts, record = ended.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            over = [(late, Facts(), given_up) for late in running if (given_up := _overrun(late))]
        else:
            # One that was given up is no longer in `running`: what it brings is too late.
            over = [(thread, facts, record)] if thread in running else []
        for thread, facts, record in over:
            running.remove(thread)
            progress.ended(record)
            yield facts, record


def _overrun(thread: _Thread) -> ProbeRun | None:
    return overrun(thread.probe, time.perf_counter() - thread.started, thread.cpu_seconds())


def _observe(thread: _Thread, host: Host, ended: _Ended) -> None:
    if hasattr(time, "pthread_getcpuclockid"):
        thread.cpu_clock = time.pthread_getcpuclockid(threading.get_ident())
    ended.put((thread, *attempt(thread.probe, host, time.thread_time)))
