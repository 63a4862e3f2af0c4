"""The right to load a line: one measuring machine per site and egress address at a time."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from prerequis_collector.errors import LeaseLost

TIME_TO_LIVE_SECONDS = 30.0
# facts: 16 MB show 40 Mbit/s over the time of a test; a site that needs more is given more, within reason.
_LEAST_BYTES = 16_000_000
_MOST_BYTES = 64_000_000
_TEST_SECONDS = 2.5
_MARGIN = 1.25


@dataclass(slots=True)
class Lease:
    """One machine's right to move some bytes in each direction."""

    token: bytes
    agent_id: str
    place: tuple[str, str]
    """Site and egress address."""
    bytes_per_direction: int
    ends: float
    """On the monotonic clock."""
    left: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Busy:
    """Another machine measures."""

    retry_after_seconds: float


class Leases:
    """The leases of one collector, in memory: they end by themselves, so a restart loses nothing that lasts."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._by_place: dict[tuple[str, str], Lease] = {}
        self._by_token: dict[bytes, Lease] = {}

    def acquire(self, agent_id: str, finess: str, egress: str, demand_bits_per_second: float) -> Lease | Busy:
        """Return a lease, or how long to wait; the same machine asking again takes over its own."""
        place = (finess, egress)
        with self._lock:
            now = self._clock()
            holder = self._by_place.get(place)
            if holder is not None and holder.ends > now and holder.agent_id != agent_id:
                return Busy(holder.ends - now)
            for ended in [lease for lease in self._by_token.values() if lease.ends <= now or lease is holder]:
                self._forget(ended)
            cap = round(min(_MOST_BYTES, max(_LEAST_BYTES, demand_bits_per_second / 8 * _TEST_SECONDS * _MARGIN)))
            lease = Lease(secrets.token_bytes(16), agent_id, place, cap, now + TIME_TO_LIVE_SECONDS)
            lease.left = {"down": cap, "up": cap}
            self._by_place[place] = self._by_token[lease.token] = lease
            return lease

    def renew(self, agent_id: str, token: bytes) -> None:
        """Let the lease live for its full time again; raises LeaseLost."""
        with self._lock:
            self._held(agent_id, token).ends = self._clock() + TIME_TO_LIVE_SECONDS

    def release(self, agent_id: str, token: bytes) -> None:
        """End the lease; nothing happens when it has ended."""
        with self._lock:
            lease = self._by_token.get(token)
            if lease is not None and lease.agent_id == agent_id:
                self._forget(lease)

    def spend(self, agent_id: str, token: bytes, direction: str, wanted: int) -> int:
        """Return how many of the wanted bytes may still move, and count them; raises LeaseLost."""
        with self._lock:
            lease = self._held(agent_id, token)
            granted = min(wanted, lease.left[direction])
            lease.left[direction] -= granted
            return granted

    def _held(self, agent_id: str, token: bytes) -> Lease:
        lease = self._by_token.get(token)
        if lease is None or lease.agent_id != agent_id or lease.ends <= self._clock():
            raise LeaseLost("Ce droit de mesurer a pris fin.")
        return lease

    def _forget(self, lease: Lease) -> None:
        self._by_token.pop(lease.token, None)
        if self._by_place.get(lease.place) is lease:
            del self._by_place[lease.place]
