"""One scan of this machine: which probes, what they know beforehand, and the report that they make."""

import socket
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version

from prerequis.v1.report_pb2 import Report, Workstation
from prerequis_agent import runner
from prerequis_agent.config import State
from prerequis_agent.errors import ConfigurationError
from prerequis_agent.host import Host
from prerequis_agent.progress import Progress
from prerequis_agent.surroundings import Surroundings


def survey(state: State, names: frozenset[str], progress: Progress, warn: Callable[[str], object]) -> Report:
    """Return what the named probes see of this machine.

    A machine that is not enrolled, or whose certificate is over, is observed all the same: its report names no
    workstation, and the probes that need the collector say why they could not look.
    """
    collected_at = datetime.now(UTC)
    chosen = [probe for probe in runner.discover() if probe.name in names]
    workstation = Workstation(hostname=socket.gethostname())
    surroundings = Surroundings()
    if state.is_enrolled:
        # Loaded only now: the scan of a machine without a collector needs neither gRPC nor X.509.
        from prerequis_agent.enrolment import current_identity

        try:
            role = state.enrolment().role
            identity = current_identity(state, collected_at)
        except ConfigurationError as problem:
            warn(f"{problem}\n")
        else:
            workstation.id = identity.agent_id
            if role:
                workstation.role = Workstation.Role.Value(role.upper())
            if any(probe.uses_surroundings for probe in chosen):
                from prerequis_agent.site_plan import surroundings as gather

                surroundings = gather(state, identity)
    scan = runner.run(chosen, Host(surroundings=surroundings), progress)
    report = Report(agent_version=version("prerequis"), workstation=workstation, facts=scan.facts, probes=scan.runs)
    report.collected_at.FromDatetime(collected_at)
    return report
