"""Measuring the site's line apart from a scan: when a person asks for it, or when this machine's turn has come."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from prerequis.v1.facts_pb2 import Line
from prerequis.v1.line_pb2 import SUFFICIENCY
from prerequis.v1.report_pb2 import ProbeRun
from prerequis_agent import runner
from prerequis_agent.config import State
from prerequis_agent.errors import CollectorUnreachable, Refused
from prerequis_agent.host import Host
from prerequis_agent.identity import Identity
from prerequis_agent.line_lease import Outcome, Wanted
from prerequis_agent.progress import Progress, Silent
from prerequis_agent.site_plan import cached, collector_of, refresh
from prerequis_agent.surroundings import Surroundings, Tools
from prerequis_agent.turns import LATE, turn


@dataclass(frozen=True, slots=True)
class Measured:
    """What one measurement gave, and how it ended."""

    line: Line | None
    """None when there is no figure; `run.detail` says why."""
    run: ProbeRun
    contention: bool
    """Another machine measured at the same time: the collector does not count it."""


def measure(state: State, identity: Identity, wanted: Wanted, tools: Tools, progress: Progress) -> Measured:
    """Return one measurement, which the collector has by then; what keeps it from taking place is in its run."""
    outcome = Outcome()
    surroundings = Surroundings(cached(state), collector_of(state, identity, wanted, outcome), tools=tools)
    probe = next(one for one in runner.discover() if one.name == "line")
    patient = replace(probe, deadline_seconds=probe.deadline_seconds + wanted.patience_seconds)
    scan = runner.run([patient], Host(surroundings=surroundings), progress)
    line = scan.facts.line if scan.facts.HasField("line") else None
    return Measured(line, scan.runs[0], outcome.contention)


def new_turn(state: State, identity: Identity) -> datetime | None:
    """Return when this machine is to measure by itself, as the collector says now; None: not, or it is away."""
    try:
        # As for a person who waits: asking only for the turn elects nobody for anything else.
        refresh(state, identity, attended=True)
    except (CollectorUnreachable, Refused):
        return None
    return turn(state)


def measure_in_turn(
    state: State, identity: Identity, at: datetime, sleep: Callable[[float], object], now: Callable[[], datetime]
) -> str:
    """Wait for this machine's turn, measure, and return one French sentence on how that went."""
    sleep(max(0.0, (at - now()).total_seconds()))
    if now() - at > LATE:
        return "Mesure de la ligne manquée : le poste était en veille."
    measured = measure(state, identity, Wanted(SUFFICIENCY, attended=False), Tools(), Silent())
    if measured.line is None:
        return f"Ligne non mesurée. {measured.run.detail}".rstrip()
    return "Ligne mesurée et résultat remis au collecteur."
