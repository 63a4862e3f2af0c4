"""Tells the technician which readers are plugged in without PC/SC showing them, why, and what to do."""

from contextlib import suppress
from dataclasses import dataclass
from typing import cast

from prerequis.v1.facts_pb2 import Facts, Smartcard, System
from prerequis.v1.middleware_pb2 import Middleware
from prerequis_agent.card_names import unseen_readers
from prerequis_agent.errors import ProbeError
from prerequis_agent.host import Host
from prerequis_agent.probes import middleware, smartcard, system

_FAMILIES = {"win32": System.WINDOWS, "linux": System.LINUX, "darwin": System.MACOS}


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at the readers gave, in French."""

    unseen: tuple[str, ...]
    """One sentence for each reader that PC/SC does not show, with its likely cause and the remedy."""
    problem: str = ""
    """Why nothing could be looked at."""


def look(host: Host) -> Look:
    """Return the readers that are plugged in and that PC/SC does not show."""
    try:
        seen = cast(Smartcard, smartcard.PROBE.observe(host).facts)
    except ProbeError as problem:
        return Look((), str(problem))
    facts = Facts(system=System(family=_FAMILIES.get(host.platform)), smartcard=seen)
    if all(reader.seen_by_pcsc for reader in seen.readers):
        return Look(())
    _fill_causes(host, facts)
    return Look(tuple(unseen_readers(facts)))


def _fill_causes(host: Host, facts: Facts) -> None:
    """Add what else explains it: the session, how the service is started, the release of macOS."""
    # Where something of it cannot be seen, the cause is told from what is known; a scan tells what was not seen.
    with suppress(ProbeError):
        facts.middleware.CopyFrom(cast(Middleware, middleware.PROBE.observe(host).facts))
    if host.platform == "darwin":
        with suppress(ProbeError):
            facts.system.CopyFrom(cast(System, system.PROBE.observe(host).facts))
