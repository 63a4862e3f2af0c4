"""How much is let in at once, and how often; beyond that a caller hears when to come back.

A message counts as the largest while it is coming in, for nobody knows how long it will be, and as what it is until
its call ends. So what messages take is bounded by `receiving * largest + held_bytes`, whoever sends them.
"""

import asyncio
import ipaddress
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import unquote

from prerequis_collector.errors import InvalidInput, Overloaded

_BUSY = "Le collecteur est très sollicité ; réessayer dans quelques instants."


@dataclass(frozen=True, slots=True)
class Limits:
    """What one port lets in."""

    largest_message: int = 2 * 1024 * 1024
    """Bytes; a report may have half of it."""
    receiving: int = 48
    """Messages that come in at the same time; the others wait in the network."""
    held_bytes: int = 96 * 1024 * 1024
    """Bytes of the messages whose calls are not yet answered."""
    calls: int = 2048
    calls_of_one: int = 16
    """Calls of one certificate, or of one address where there are none, at the same time."""
    receive_seconds: float = 30.0
    """The longest that a message may take to come, or the next message of a stream to begin and come."""
    connections: int = 2048
    """Connections at the same time, about 50 kB each; one more is closed at once."""
    handshake_seconds: float = 10.0
    """The longest that a connection may take until TLS is established."""
    idle_seconds: float = 300.0
    """How long a connection without calls is kept."""


MAIN = Limits()
"""For those who have a certificate."""

ENROLMENT = Limits(
    largest_message=64 * 1024, calls=256, calls_of_one=128, receive_seconds=10.0, connections=512, idle_seconds=30.0
)
"""For those without a certificate: a ticket and a request are less than 4 kB."""


class Admission:
    """The calls and the messages that are in, of one event loop."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.calls = 0
        self.held = 0
        """Bytes of messages whose calls are not yet answered."""
        self._of: Counter[str] = Counter()
        self._receiving = asyncio.Semaphore(limits.receiving)

    @contextmanager
    def call(self, who: str) -> "Iterator[Admitted]":
        """Let a call in until the block ends; raises Overloaded."""
        if self.calls >= self.limits.calls or self._of[who] >= self.limits.calls_of_one:
            raise Overloaded(_BUSY)
        self.calls += 1
        self._of[who] += 1
        admitted = Admitted(self)
        try:
            yield admitted
        finally:
            admitted.forget()
            self.calls -= 1
            self._of[who] -= 1
            if not self._of[who]:
                del self._of[who]

    async def receive(self, read: Callable[[], Awaitable[object]]) -> bytes | None:
        """Return the next message, or None at the end; raises Overloaded when it does not come or does not fit."""
        try:
            async with asyncio.timeout(self.limits.receive_seconds), self._receiving:
                message = await read()
        except TimeoutError:
            raise Overloaded("La demande n'est pas arrivée à temps ; réessayer dans quelques instants.") from None
        if not isinstance(message, bytes):  # grpc.aio.EOF
            return None
        if self.held + len(message) > self.limits.held_bytes:
            raise Overloaded(_BUSY)
        return message


class Admitted:
    """One call that was let in; of its messages only the last one counts, the others have been answered."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._size = 0

    async def receive(self, read: Callable[[], Awaitable[object]]) -> bytes | None:
        """Return the next message, or None at the end; raises Overloaded."""
        self.forget()
        message = await self._admission.receive(read)
        if message is not None:
            self._size = len(message)
            self._admission.held += self._size
        return message

    def forget(self) -> None:
        """Count the last message no longer."""
        self._admission.held -= self._size
        self._size = 0


class Pace:
    """How often something may be done, in all and by each source; what was not used in time is kept up to a burst."""

    def __init__(
        self,
        *,
        per_second: float = 50.0,
        burst: float = 400.0,
        of_one_per_second: float = 10.0,
        of_one_burst: float = 200.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._all = _Bucket(per_second, burst, clock)
        self._rate, self._burst, self._clock = of_one_per_second, of_one_burst, clock
        self._of: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, who: str) -> None:
        """Count one; raises Overloaded, with the seconds after which there is room again."""
        bucket = self._of.setdefault(who, _Bucket(self._rate, self._burst, self._clock))
        self._of.move_to_end(who)
        while len(self._of) > _SOURCES:
            self._of.popitem(last=False)
        wait = max(bucket.wait(), self._all.wait())
        if wait:
            raise Overloaded(_BUSY, after_seconds=wait)
        bucket.take()
        self._all.take()


_SOURCES = 4096
"""Sources remembered; one that is forgotten may begin anew, the pace of all together still holds."""


class _Bucket:
    def __init__(self, per_second: float, burst: float, clock: Callable[[], float]) -> None:
        self._rate, self._burst, self._clock = per_second, burst, clock
        self._level, self._at = burst, clock()

    def wait(self) -> float:
        """Return the seconds until one may be taken; 0 means now."""
        now = self._clock()
        self._level, self._at = min(self._burst, self._level + (now - self._at) * self._rate), now
        return max(0.0, (1.0 - self._level) / self._rate)

    def take(self) -> None:
        self._level -= 1.0


def source(peer: str) -> str:
    """Return the network from which gRPC says that a peer calls: its IPv4 address, or the /64 of its IPv6 address.

    Raises InvalidInput when it says something else.
    """
    host = unquote(peer.partition(":")[2].rpartition(":")[0]).removeprefix("[").removesuffix("]").partition("%")[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise InvalidInput("L'origine de cet appel est inconnue.") from None
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(address.ipv4_mapped or ipaddress.ip_network((int(address) >> 64 << 64, 64)))
