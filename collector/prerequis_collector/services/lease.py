"""The leases that this collector gave, in memory: what each may still move, and until when.

The claim on a line is in the database (`line_desk.py`), so that every collector sees it. The bytes are counted here, by
the only collector that has the token, thousands of times a second.
"""

import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock

from prerequis.v1.line_pb2 import LATENCY, LineMethod
from prerequis_collector.errors import LeaseLost

TIME_TO_LIVE_SECONDS = 30.0
"""How long a lease lives without a byte, a renewal or an open connection's sign of life."""

FIRST_STREAM_SECONDS = 10.0
"""How long it waits for the first of its connections, where the method needs any: before it loads the line, an agent
opens TLS and times connections to the collector and the gateway, some 2 s and at most 8 s where nothing answers."""

GRACE_SECONDS = 8.0
"""How long it lives once its last connection has closed: a test opens one after another."""

DEFAULT_UPLINK_BITS_PER_SECOND = 1e9
"""The least that Arcep's code of conduct asks of a test server; taken for true where nobody said."""

SHARE = 0.5
"""Of that uplink which measuring may take: beyond it the collector, not the line, would set the pace."""


@dataclass(slots=True)
class Lease:
    """One machine's right to move some bytes in each direction."""

    agent_id: str
    measurement: str
    """The id under which what is measured is kept."""
    bytes_per_direction: int
    method: LineMethod.ValueType = LineMethod.LINE_METHOD_UNSPECIFIED
    down_target_bits_per_second: float = 0.0
    """What a sufficiency test is paced at; 0 leaves the direction out."""
    up_target_bits_per_second: float = 0.0
    user_bits_per_second: float = 0.0
    streams: int = 4
    load_bits_per_second: float = 0.0
    """What it may take of the collector's uplink."""
    server_load: float = 0.0
    """Share of that uplink which measuring took when the lease was given."""
    token: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    ends: float = 0.0
    """On the monotonic clock."""
    left: dict[str, int] = field(default_factory=dict)
    connections: int = 0

    @property
    def first_seconds(self) -> float:
        """Return how long it lives without any sign of its machine; a test of latency alone gives none."""
        return TIME_TO_LIVE_SECONDS if self.method == LATENCY else FIRST_STREAM_SECONDS

    @property
    def bytes_moved(self) -> int:
        """Return how many bytes were let through in both directions."""
        return sum(self.bytes_per_direction - left for left in self.left.values())


class Leases:
    """What the byte port asks, from any thread."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        *,
        uplink_bits_per_second: float = DEFAULT_UPLINK_BITS_PER_SECOND,
    ) -> None:
        self._clock = clock
        self._lock = Lock()
        self._by_token: dict[bytes, Lease] = {}
        self._ended: deque[Lease] = deque()
        self.uplink_bits_per_second = uplink_bits_per_second

    def give(self, lease: Lease) -> None:
        """Let a lease be used from now on; an earlier one of the same machine ends."""
        with self._lock:
            for earlier in [one for one in self._by_token.values() if one.agent_id == lease.agent_id]:
                self._end(earlier)
            lease.left = {"down": lease.bytes_per_direction, "up": lease.bytes_per_direction}
            lease.ends = self._clock() + lease.first_seconds
            self._by_token[lease.token] = lease

    def has_room(self, load_bits_per_second: float, agent_id: str = "") -> bool:
        """Return whether the collector's uplink bears one more test, of this machine; the only one is always borne."""
        load = sum(lease.load_bits_per_second for lease in self.live() if lease.agent_id != agent_id)
        return load == 0 or load + load_bits_per_second <= SHARE * self.uplink_bits_per_second

    def server_load(self) -> float:
        """Return the share of the collector's uplink that live leases may take."""
        return sum(lease.load_bits_per_second for lease in self.live()) / self.uplink_bits_per_second

    def find(self, agent_id: str, token: bytes) -> Lease:
        """Return the live lease; raises LeaseLost."""
        with self._lock:
            return self._held(agent_id, token)

    def of_token(self, token: bytes) -> Lease:
        """Return the live lease of a token, for who shows no certificate; raises LeaseLost."""
        with self._lock:
            lease = self._by_token.get(token)
            return self._held(lease.agent_id if lease is not None else "", token)

    def renew(self, agent_id: str, token: bytes) -> None:
        """Let the lease live for its full time again; raises LeaseLost."""
        with self._lock:
            self._held(agent_id, token).ends = self._clock() + TIME_TO_LIVE_SECONDS

    def release(self, agent_id: str, token: bytes) -> Lease | None:
        """End the lease and return it; None when it has ended or is another machine's."""
        with self._lock:
            lease = self._by_token.get(token)
            if lease is None or lease.agent_id != agent_id or lease.ends <= self._clock():
                return None
            del self._by_token[token]
            return lease

    def spend(self, agent_id: str, token: bytes, direction: str, wanted: int) -> int:
        """Return how many of the wanted bytes may still move, and count them; raises LeaseLost.

        Bytes that move are a sign of life: the lease lives for its full time again.
        """
        with self._lock:
            lease = self._held(agent_id, token)
            granted = min(wanted, lease.left[direction])
            lease.left[direction] -= granted
            if granted:
                lease.ends = self._clock() + TIME_TO_LIVE_SECONDS
            return granted

    @contextmanager
    def connection(self, agent_id: str, token: bytes) -> Iterator[Lease]:
        """Give the lease for the time of a connection; soon after its last one it ends. Raises LeaseLost."""
        with self._lock:
            lease = self._held(agent_id, token)
            lease.connections += 1
        try:
            yield lease
        finally:
            with self._lock:
                lease.connections -= 1
                if lease.connections == 0:
                    lease.ends = min(lease.ends, self._clock() + GRACE_SECONDS)

    def live(self) -> list[Lease]:
        """Return the leases in use."""
        with self._lock:
            self._sweep()
            return list(self._by_token.values())

    def next_ended(self) -> Lease | None:
        """Return, once, a lease that ended without being released; None when there is none."""
        with self._lock:
            self._sweep()
            return self._ended.popleft() if self._ended else None

    def put_back(self, lease: Lease) -> None:
        """Let next_ended return this lease once more."""
        with self._lock:
            self._ended.append(lease)

    def _held(self, agent_id: str, token: bytes) -> Lease:
        lease = self._by_token.get(token)
        if lease is None or lease.agent_id != agent_id or lease.ends <= self._clock():
            raise LeaseLost("Ce droit de mesurer a pris fin.")
        return lease

    def _sweep(self) -> None:
        now = self._clock()
        for lease in [one for one in self._by_token.values() if one.ends <= now]:
            self._end(lease)

    def _end(self, lease: Lease) -> None:
        del self._by_token[lease.token]
        self._ended.append(lease)
