"""One scan of this machine: which probes, what they know beforehand, and the report that they make."""

import socket
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from prerequis.v1.report_pb2 import Cost, Report, Workstation
from prerequis_agent import __version__, cost, runner
from prerequis_agent.config import State
from prerequis_agent.errors import ConfigurationError
from prerequis_agent.host import Host
from prerequis_agent.origin import machine
from prerequis_agent.progress import Progress
from prerequis_agent.surroundings import Surroundings

if TYPE_CHECKING:
    from prerequis_agent.identity import Identity


def survey(
    state: State, names: frozenset[str], progress: Progress, warn: Callable[[str], object], attended: bool = False
) -> Report:
    """Return what the named probes see of this machine, and what seeing it cost; `attended`: a person waits for it.

    A machine that is not enrolled, or whose certificate is over, is observed all the same: its report names no
    workstation, and the probes that need the collector say why they could not look.
    """
    started, collected_at = time.perf_counter(), datetime.now(UTC)
    cost.lower_priority()
    chosen = [probe for probe in runner.discover() if probe.name in names]
    # First what asks this machine alone: its child process is forked before gRPC has threads.
    seen = runner.run([probe for probe in chosen if not probe.uses_surroundings], Host(), progress)
    workstation = Workstation(hostname=socket.gethostname())
    surroundings = Surroundings()
    asking = [probe for probe in chosen if probe.uses_surroundings]
    identity = _identity(state, collected_at, warn)
    origin = machine(Host(), identity.agent_id) if identity else None
    if identity:
        workstation.id = identity.agent_id
        role = state.enrolment().role
        if role:
            workstation.role = Workstation.Role.Value(role.upper())
        if asking:
            from prerequis_agent.site_plan import surroundings as gather

            surroundings = gather(state, identity, attended, seen.facts.network)
    if "lan" in names:
        from prerequis_agent.lan.check import kept

        surroundings = replace(surroundings, lan_check=kept(state, collected_at))
    reached = runner.run(asking, Host(surroundings=surroundings), progress)
    seen.facts.MergeFrom(reached.facts)
    report = Report(
        agent_version=__version__,
        workstation=workstation,
        facts=seen.facts,
        probes=(*seen.runs, *reached.runs),
        cost=Cost(wall_seconds=round(time.perf_counter() - started, 3), cpu_seconds=round(cost.spent_seconds(), 3)),
    )
    memory = max(seen.memory_bytes, cost.memory_bytes() or 0)
    if memory:
        report.cost.memory_bytes = memory
    if origin:
        report.origin.machine = origin
    report.collected_at.FromDatetime(collected_at)
    return report


def _identity(state: State, now: datetime, warn: Callable[[str], object]) -> "Identity | None":
    if not state.is_enrolled:
        return None
    # Loaded only now: the scan of a machine without a collector needs neither gRPC nor X.509.
    from prerequis_agent.enrolment import current_identity

    try:
        state.enrolment()
        return current_identity(state, now)
    except ConfigurationError as problem:
        warn(f"{problem}\n")
        return None
