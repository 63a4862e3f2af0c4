"""What a run knows before it looks: the site's plan and the collector, injected so that probes never speak gRPC."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from prerequis.v1.services_pb2 import TLS, ServiceProtocol

if TYPE_CHECKING:
    from prerequis.v1.facts_pb2 import Line
    from prerequis.v1.lan_pb2 import LanCheck


@dataclass(frozen=True, slots=True)
class Target:
    """A host that the site's profile lists, or that every site needs."""

    host: str
    port: int
    purpose: str
    protocol: ServiceProtocol.ValueType = TLS
    path: str = ""
    """What is asked over HTTP."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the collector asks this site's machines to reach."""

    targets: tuple[Target, ...]
    demand_bits_per_second: float | None
    """Simultaneous users × rate per user; None when the number of users is not known."""
    librespeed: str = ""
    """URL of a LibreSpeed server that the organisation wants measured beside its collector."""
    spared: str = ""
    """Why this machine leaves the targets alone today, one French sentence; empty: it asks them."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to load the line once."""

    token: bytes
    port: int
    bytes_per_direction: int
    method: int = 0
    """A LineMethod."""
    down_target_bits_per_second: float = 0.0
    """What a sufficiency test is paced at; 0 leaves the direction out."""
    up_target_bits_per_second: float = 0.0
    user_bits_per_second: float = 0.0
    """The rate of one user, which one connection must reach."""
    streams: int = 0
    http_port: int = 0
    """LibreSpeed's endpoints over TLS; 0 when the collector does not serve them."""
    server_load: float | None = None
    """Share of the collector's uplink in use when the lease was given."""
    report: "Callable[[Line], None]" = field(default=lambda line: None)
    """Takes what was measured, to be handed over when the lease ends."""
    renew: Callable[[], None] = field(default=lambda: None)
    """Lets the lease live for its full time again while no byte passes by the collector."""


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
    passphrase: Callable[[], bytes] = bytes
    """Gives what opens the key, asked only where the file holds it encrypted."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What a person asks to be measured beside the collector's own figure; none of it is ever the verdict."""

    librespeed: str = ""
    """URL of a LibreSpeed server."""
    iperf3: str = ""
    """host or host:port of an iperf3 server."""
    speedtest: bool = False
    """Measure over the Internet with speedtest-cli, which tells this machine's address to a third party."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """None: not known, because this machine is not enrolled or never reached its collector."""

    plan: Plan | None = None
    collector: Collector | None = None
    lan_check: "LanCheck | None" = None
    """What a person had heard on the wire, as last time."""
    tools: Tools = field(default=Tools())
