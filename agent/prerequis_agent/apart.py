"""Runs probes one after another in a child process, so that one that hangs in native code can be ended.

One at a time: whatever goes wrong is the deed of the probe at work, and what the child spends is spent by it. When a
probe passes its deadline or its budget the child is killed, what had ended is kept, and the rest goes on in a new one.
"""

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from prerequis.v1.facts_pb2 import Facts
from prerequis.v1.report_pb2 import Cost, ProbeRun, Report
from prerequis_agent import child, cost
from prerequis_agent.attempt import Outcome, attempt, ended, overrun
from prerequis_agent.host import Host
from prerequis_agent.probe import Probe
from prerequis_agent.progress import Progress, seconds

WHOLE_CPU_SECONDS = 6.0
"""What all probes together may spend: a tenth of one core for a minute, once a day."""

WHOLE_SECONDS = 60.0
"""The longest that they may take together; a technician waits two minutes for everything."""

_POLL_SECONDS = 0.1
_PATIENCE_SECONDS = 0.5
"""A probe that ends sooner is not looked at: looking costs more than most probes do."""

_GRACE_SECONDS = 5


@dataclass(frozen=True, slots=True)
class _Work:
    """What the child does: every message is a serialised Report with one probe's part, the first and last have none."""

    probes: tuple[Probe, ...]
    host: Host

    def __call__(self, send: child.Send) -> None:
        cost.limit_memory()
        send(_message(Report()))
        for probe in self.probes:
            if hasattr(signal, "alarm"):
                # Ends this process even in native code, should nobody be left to do it.
                signal.alarm(int(probe.deadline_seconds) + _GRACE_SECONDS)
            facts, record = attempt(probe, self.host, cost.spent_seconds)
            send(_message(Report(facts=facts, probes=[record])))
        send(_message(Report(cost=Cost(memory_bytes=cost.memory_bytes(os.getppid())))))


def _message(report: Report) -> bytes:
    report.cost.cpu_seconds = cost.spent_seconds()
    return report.SerializeToString()


@dataclass(slots=True)
class Apart:
    """A sequence of probes on their way through one child after another."""

    host: Host
    progress: Progress
    waiting: list[Probe]
    memory_bytes: int = 0
    """The most that this process and its child were seen to hold together."""
    _cpu_seconds: float = 0.0
    _started: float = field(default_factory=time.perf_counter)

    def run(self) -> Iterator[tuple[Facts, ProbeRun]]:
        """Give what each probe brings back, in their order."""
        while self.waiting:
            refusal = self._exhausted()
            if refusal:
                outcome, detail = refusal
                yield from [(Facts(), self._end(ended(probe, outcome, 0, 0, detail))) for probe in list(self.waiting)]
            else:
                yield from self._in_one_child()

    def _exhausted(self) -> tuple[ProbeRun.Outcome.ValueType, str] | None:
        if self._cpu_seconds > WHOLE_CPU_SECONDS:
            return Outcome.OVER_BUDGET, f"L'observation a déjà pris {seconds(WHOLE_CPU_SECONDS)} de processeur."
        if time.perf_counter() - self._started > WHOLE_SECONDS:
            return Outcome.TIMED_OUT, f"L'observation a déjà pris {seconds(WHOLE_SECONDS)}."
        return None

    def _in_one_child(self) -> Iterator[tuple[Facts, ProbeRun]]:
        process = child.start(_Work(tuple(self.waiting), self.host))
        spent, since, started, died = 0.0, time.perf_counter(), False, False
        try:
            self.progress.started(self.waiting[0].name)
            while self.waiting and not self._exhausted():
                message = process.receive(_POLL_SECONDS)
                if message is None:
                    # A busy machine may take longer to start a process than a probe is given.
                    over = self._overrun(self.waiting[0], process, since, spent) if started else None
                    if over:
                        yield Facts(), self._end(over)
                        return
                    continue
                part = Report.FromString(message)
                spent, since, started = part.cost.cpu_seconds, time.perf_counter(), True
                for record in part.probes:
                    yield part.facts, self._end(record)
                    if self.waiting:
                        self.progress.started(self.waiting[0].name)
            self._listen_to_the_end(process)
        except EOFError:
            died = bool(self.waiting)
        finally:
            how = process.end()
        if died:
            wall = time.perf_counter() - since
            detail = f"Le processus d'observation s'est arrêté pendant cette sonde ({how})."
            if not started:  # nor would the next one
                detail = f"Le processus d'observation ne démarre pas ({how})."
            for probe in self.waiting[: 1 if started else None]:
                yield Facts(), self._end(ended(probe, Outcome.FAILED, wall, 0, detail))

    def _listen_to_the_end(self, process: child.Child) -> None:
        message = None if self.waiting else process.receive(_PATIENCE_SECONDS)
        if message is not None:
            self.memory_bytes = max(self.memory_bytes, Report.FromString(message).cost.memory_bytes)

    def _overrun(self, probe: Probe, process: child.Child, since: float, spent: float) -> ProbeRun | None:
        wall = time.perf_counter() - since
        if wall < _PATIENCE_SECONDS:
            return None
        usage = process.usage()
        self.memory_bytes = max(self.memory_bytes, usage.memory_bytes)
        cpu = max(0.0, usage.cpu_seconds - spent)
        if usage.memory_bytes > cost.MOST_MEMORY_BYTES:
            return ended(probe, Outcome.OVER_BUDGET, wall, cpu, "Plus de mémoire que l'agent n'en permet.")
        return overrun(probe, wall, cpu)

    def _end(self, record: ProbeRun) -> ProbeRun:
        self.waiting.pop(0)
        self._cpu_seconds += record.cpu_seconds
        self.progress.ended(record)
        return record
