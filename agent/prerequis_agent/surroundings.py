"""What a run knows before it looks: the site's plan and the collector, injected so that probes never speak gRPC."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Target:
    """A host that the site's profile lists."""

    host: str
    port: int
    purpose: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What the collector asks this site's machines to reach."""

    targets: tuple[Target, ...]
    demand_bits_per_second: float | None
    """Simultaneous users × rate per user; None when the number of users is not known."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to load the line once."""

    token: bytes
    port: int
    bytes_per_direction: int


@dataclass(frozen=True, slots=True)
class Collector:
    """Where the collector is, what proves it, and what proves this machine to it."""

    host: str
    port: int
    authority: Path
    """PEM of the CA that signed the collector's certificate."""
    identity: Path
    """PEM of this machine's key and certificate chain."""
    lease: Callable[[], AbstractContextManager[Lease]]
    """Holds a lease for the time of a `with`; raises Unsupported with a sentence when none can be had."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """None: not known, because this machine is not enrolled or never reached its collector."""

    plan: Plan | None = None
    collector: Collector | None = None
