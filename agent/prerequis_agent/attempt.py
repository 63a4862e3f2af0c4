"""One probe at work: whatever it does becomes its outcome."""

import math
import time
from collections.abc import Callable

from prerequis.v1.facts_pb2 import Facts
from prerequis.v1.report_pb2 import ProbeRun
from prerequis_agent.errors import NotPermitted, TimedOut, Unsupported
from prerequis_agent.host import Host
from prerequis_agent.probe import Probe
from prerequis_agent.progress import seconds

Outcome = ProbeRun.Outcome

_LONGEST_DETAIL = 300


def attempt(probe: Probe, host: Host, clock: Callable[[], float]) -> tuple[Facts, ProbeRun]:
    """Return what the probe brings back and how it ended; `clock` gives the processor seconds spent so far."""
    started, spent = time.perf_counter(), clock()
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
    except MemoryError:
        outcome, detail = Outcome.OVER_BUDGET, "Plus de mémoire que l'agent n'en permet."
    except BaseException as problem:  # noqa: BLE001 – the one catch-all: whatever a probe does is its outcome
        outcome, detail = Outcome.FAILED, f"{type(problem).__name__} : {problem}"
    cpu = clock() - spent
    if cpu > probe.cpu_budget_seconds and outcome in (Outcome.FOUND, Outcome.NOTHING):
        outcome, detail = Outcome.OVER_BUDGET, f"{over_budget(probe, cpu)} {detail}".rstrip()
    return facts, ended(probe, outcome, time.perf_counter() - started, cpu, detail)


def overrun(probe: Probe, wall_seconds: float, cpu_seconds: float) -> ProbeRun | None:
    """Return the record of a probe that must be given up after so many seconds, or None."""
    if wall_seconds > probe.deadline_seconds:
        detail = f"Pas de réponse en {seconds(probe.deadline_seconds)}."
        return ended(probe, Outcome.TIMED_OUT, wall_seconds, cpu_seconds, detail)
    if cpu_seconds > probe.cpu_budget_seconds:
        return ended(probe, Outcome.OVER_BUDGET, wall_seconds, cpu_seconds, over_budget(probe, cpu_seconds))
    return None


def ended(
    probe: Probe, outcome: ProbeRun.Outcome.ValueType, wall_seconds: float, cpu_seconds: float, detail: str
) -> ProbeRun:
    """Return the record of a probe that ended."""
    return ProbeRun(
        name=probe.name,
        outcome=outcome,
        wall_seconds=round(wall_seconds, 3),
        cpu_seconds=round(cpu_seconds, 3),
        detail=detail if len(detail) <= _LONGEST_DETAIL else detail[: _LONGEST_DETAIL - 1] + "…",
    )


def over_budget(probe: Probe, cpu: float) -> str:
    """Return the French sentence about a budget of processor time that was passed."""
    # Rounded up: a budget just passed must not read as a budget kept.
    return f"{seconds(math.ceil(cpu * 10) / 10)} de processeur pour {seconds(probe.cpu_budget_seconds)} permises."
