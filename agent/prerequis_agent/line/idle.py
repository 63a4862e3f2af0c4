"""Round trips of a line that nobody loads: to the gateway, the collector, and the hosts of the plan."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from prerequis.v1.line_pb2 import LineLatency
from prerequis_agent.host import Host
from prerequis_agent.line.latency import RoundTrips, round_trips
from prerequis_agent.surroundings import Plan

INTERVAL_SECONDS = 0.02
IDLE_PROBES = 60
"""Connections before the line is loaded: enough for a median and a 95th percentile."""

LOSS_PROBES = 1000
"""A thousand show a loss of 1 % to 0.7 point; sixty only that it is not much more than 6 %."""

ELSEWHERE_PROBES = 3
"""A host that is not ours is asked no more than a person's browser would."""

RESOLUTION_SECONDS = 3.0
_GATEWAY_PORTS = (443, 80, 53)
_GATEWAY_PROBES = 10
_GATEWAY_SECONDS = 0.3
_DUI = "dui"
_COLLECTOR = "collector"


@dataclass(frozen=True, slots=True)
class Gateway:
    """A port of the gateway that answers, were it only to refuse, and how long that takes."""

    address: str
    port: int
    trips: RoundTrips


def gateway(host: Host, addresses: tuple[str, ...]) -> Gateway | None:
    """Return the first gateway that answers; None when none does, as many are set to."""
    for address in addresses:
        # Those of IPv6 are link-local and would need the name of their interface.
        for port in _GATEWAY_PORTS if ":" not in address else ():
            first = round_trips(host, address, port, count=1, interval=INTERVAL_SECONDS)
            if first.seconds and first.seconds[0] < _GATEWAY_SECONDS:
                more = round_trips(host, address, port, count=_GATEWAY_PROBES, interval=INTERVAL_SECONDS)
                return Gateway(address, port, more)
    return None


def elsewhere(host: Host, plan: Plan | None) -> Iterator[LineLatency]:
    """Give the round trips to the hosts of the plan, when this machine is the one to ask them."""
    if plan is None or plan.spared:
        return
    for target in plan.targets:
        if target.purpose == _COLLECTOR or not target.host:
            continue
        started = time.perf_counter()
        try:
            addresses = host.resolve(target.host, target.port, RESOLUTION_SECONDS)
        except OSError:
            continue  # that it has no address is for the probe of services to tell
        resolved = time.perf_counter() - started
        trips = round_trips(host, addresses[0], target.port, count=ELSEWHERE_PROBES, interval=10 * INTERVAL_SECONDS)
        towards = LineLatency.DUI_HOST if target.purpose == _DUI else LineLatency.NATIONAL_SERVICE
        found = trips.latency(towards, target.host)
        found.dns_seconds = resolved
        yield found
