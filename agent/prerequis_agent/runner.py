"""Runs the probes side by side, each with a deadline and a budget of processor time; never raises."""

import importlib
import math
import queue
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from prerequis.v1.facts_pb2 import Facts
from prerequis.v1.report_pb2 import ProbeRun
from prerequis_agent import probes as package
from prerequis_agent.errors import NotPermitted, TimedOut, Unsupported
from prerequis_agent.host import Host
from prerequis_agent.probe import Probe
from prerequis_agent.progress import Progress, seconds

Outcome = ProbeRun.Outcome

_POLL_SECONDS = 0.1
_LONGEST_DETAIL = 300


@dataclass(frozen=True, slots=True)
class Scan:
    """What the probes brought back, and how each of them ended, in the order of the fields of Facts."""

    facts: Facts
    runs: tuple[ProbeRun, ...]


def discover() -> tuple[Probe, ...]:
    """Return every probe of the package, in the order of the fields of Facts."""
    order = {field.name: field.number for field in Facts.DESCRIPTOR.fields}
    modules = [importlib.import_module(f"{package.__name__}.{name}") for name in package.probe_names()]
    return tuple(sorted((module.PROBE for module in modules), key=lambda probe: order[probe.name]))


def run(probes: Iterable[Probe], host: Host, progress: Progress) -> Scan:
    """Return what the probes see of the host.

    A probe that hangs or spins is left behind in its thread, which does not keep the process from ending.
    """
    probes = tuple(probes)
    facts = Facts()
    runs: dict[str, ProbeRun] = {}
    together = [probe for probe in probes if not probe.alone]
    groups = [together, *([probe] for probe in probes if probe.alone)]
    for group in groups:
        for attempt in _run_together(group, host, progress):
            facts.MergeFrom(attempt.facts)
            runs[attempt.probe.name] = attempt.run
    return Scan(facts, tuple(runs[probe.name] for probe in probes))


@dataclass(eq=False, slots=True)
class _Attempt:
    """One probe at work; its thread fills `facts` and `run`, and is not listened to once `run` is taken."""

    probe: Probe
    facts: Facts = field(default_factory=Facts)
    run: ProbeRun = field(default_factory=ProbeRun)
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

    def end(self, outcome: ProbeRun.Outcome.ValueType, cpu_seconds: float, detail: str) -> ProbeRun:
        """Return the record of an attempt that ends now."""
        return ProbeRun(
            name=self.probe.name,
            outcome=outcome,
            wall_seconds=round(time.perf_counter() - self.started, 3),
            cpu_seconds=round(cpu_seconds, 3),
            detail=detail if len(detail) <= _LONGEST_DETAIL else detail[: _LONGEST_DETAIL - 1] + "…",
        )


def _run_together(probes: list[Probe], host: Host, progress: Progress) -> list[_Attempt]:
    ended: queue.SimpleQueue[tuple[_Attempt, Facts, ProbeRun]] = queue.SimpleQueue()
    running: set[_Attempt] = set()
    attempts = [_Attempt(probe) for probe in probes]
    for attempt in attempts:
        running.add(attempt)
        progress.started(attempt.probe.name)
        name = f"probe-{attempt.probe.name}"
        threading.Thread(target=_observe, args=(attempt, host, ended), name=name, daemon=True).start()
    while running:
        try:
            attempt, facts, record = ended.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            over = [(each, overrun) for each in running if (overrun := _overrun(each))]
        else:
            # An attempt that was given up is no longer in `running`: what it brings is too late.
            over = [(attempt, record)] if attempt in running else []
            if over:
                attempt.facts = facts
        for attempt, record in over:
            attempt.run = record
            running.remove(attempt)
            progress.ended(record)
    return attempts


def _overrun(attempt: _Attempt) -> ProbeRun | None:
    """Return the record of an attempt that must be given up, or None."""
    probe = attempt.probe
    cpu = attempt.cpu_seconds()
    if time.perf_counter() - attempt.started > probe.deadline_seconds:
        return attempt.end(Outcome.TIMED_OUT, cpu, f"Pas de réponse en {seconds(probe.deadline_seconds)}.")
    if cpu > probe.cpu_budget_seconds:
        return attempt.end(Outcome.OVER_BUDGET, cpu, _over_budget(probe, cpu))
    return None


def _observe(attempt: _Attempt, host: Host, ended: queue.SimpleQueue[tuple[_Attempt, Facts, ProbeRun]]) -> None:
    if hasattr(time, "pthread_getcpuclockid"):
        attempt.cpu_clock = time.pthread_getcpuclockid(threading.get_ident())
    probe = attempt.probe
    facts = Facts()
    outcome: ProbeRun.Outcome.ValueType
    try:
        observation = probe.observe(host)
        getattr(facts, probe.name).CopyFrom(observation.facts)
        getattr(facts, probe.name).SetInParent()
        outcome = Outcome.FOUND if observation.facts.ByteSize() else Outcome.NOTHING
        detail = observation.detail
    except NotPermitted as problem:
        outcome, detail = Outcome.NOT_PERMITTED, str(problem)
    except Unsupported as problem:
        outcome, detail = Outcome.UNSUPPORTED, str(problem)
    except TimedOut as problem:
        outcome, detail = Outcome.TIMED_OUT, str(problem)
    except BaseException as problem:  # noqa: BLE001 – the one catch-all: whatever a probe does is its outcome
        outcome, detail = Outcome.FAILED, f"{type(problem).__name__} : {problem}"
    cpu = time.thread_time()
    if cpu > probe.cpu_budget_seconds and outcome in (Outcome.FOUND, Outcome.NOTHING):
        outcome, detail = Outcome.OVER_BUDGET, f"{_over_budget(probe, cpu)} {detail}".rstrip()
    ended.put((attempt, facts, attempt.end(outcome, cpu, detail)))


def _over_budget(probe: Probe, cpu: float) -> str:
    # Rounded up: a budget just passed must not read as a budget kept.
    return f"{seconds(math.ceil(cpu * 10) / 10)} de processeur pour {seconds(probe.cpu_budget_seconds)} permises."
