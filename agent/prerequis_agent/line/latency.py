"""Round trips, timed by TCP connections that are closed at once: any account may, and no firewall of a site forbids it.

A connection that is refused answers as fast as one that is accepted. A SYN that is lost is sent again after a second,
so what takes longer than LOST_SECONDS is counted as lost and is no latency. In trials the medians agreed with ICMP and
UDP to a tenth of a millisecond on an idle line and to some milliseconds on a loaded one.
"""

import errno
import selectors
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from prerequis.v1.line_pb2 import LineLatency, LineLoss
from prerequis_agent.host import Host
from prerequis_agent.line.series import wilson

LOST_SECONDS = 0.9
"""The first retransmission of a SYN comes after one second (RFC 6298)."""

_ANSWERS = frozenset({0, errno.ECONNREFUSED, errno.ECONNRESET, getattr(errno, "WSAECONNREFUSED", 0)})


@dataclass(slots=True)
class RoundTrips:
    """What some connections took, in seconds and in order, and how many of them never answered."""

    seconds: list[float] = field(default_factory=list)
    lost: int = 0

    @property
    def sent(self) -> int:
        """How many connections ended, one way or the other."""
        return len(self.seconds) + self.lost

    @property
    def deviation(self) -> float:
        """Standard deviation in seconds; 0 of fewer than two."""
        from statistics import pstdev  # with fractions and decimal: only for who measures

        return pstdev(self.seconds) if len(self.seconds) > 1 else 0.0

    def latency(self, towards: LineLatency.Towards.ValueType, host: str = "") -> LineLatency:
        """Return the figures; the times are unset when nothing answered."""
        found = LineLatency(towards=towards, sent=self.sent, lost=self.lost)
        if host:
            found.host = host
        if self.seconds:
            found.median_seconds = percentile(self.seconds, 50)
            found.p95_seconds = percentile(self.seconds, 95)
        if len(self.seconds) > 1:
            steps = [abs(one - other) for one, other in zip(self.seconds[1:], self.seconds, strict=False)]
            found.jitter_seconds = sum(steps) / len(steps)
        return found

    def loss(self) -> LineLoss:
        """Return the share of lost connections with its Wilson 95 % interval."""
        low, high = wilson(self.lost, self.sent)
        return LineLoss(sent=self.sent, lost=self.lost, low=low, high=high)


def percentile(values: list[float], rank: int) -> float:
    """Return the value under which `rank` percent lie, between the two nearest."""
    ordered = sorted(values)
    at = (len(ordered) - 1) * rank / 100
    below = int(at)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (at - below)


def round_trips(
    host: Host,
    address: str,
    port: int,
    *,
    count: int,
    interval: float,
    enough: Callable[[], bool] = lambda: False,
) -> RoundTrips:
    """Return the times of so many connections, begun at a steady pace in seconds; fewer once it is enough."""
    times: dict[float, float | None] = {}
    with selectors.DefaultSelector() as waiting:
        begun: dict[socket.socket, float] = {}
        due = time.perf_counter()
        while len(times) < count or begun:
            now = time.perf_counter()
            if enough():
                break
            if now >= due and len(times) < count:
                connection = host.start_connecting(address, port)
                begun[connection] = now
                times[now] = None
                waiting.register(connection, selectors.EVENT_WRITE)
                due = max(due + interval, now)
            oldest = next(iter(begun.values()), now) + LOST_SECONDS
            until = min(due, oldest) if len(times) < count else oldest
            for key in _ready(waiting, max(0.0, min(until - time.perf_counter(), 0.1))):
                connection = key.fileobj  # type: ignore[assignment]  # a socket was registered
                _end(waiting, connection, begun, times)
            for connection in [each for each, since in begun.items() if time.perf_counter() - since > LOST_SECONDS]:
                waiting.unregister(connection)
                connection.close()
                del begun[connection]
        for connection, since in begun.items():
            # Whether these would have answered is not known.
            times.pop(since, None)
            connection.close()
    seconds = [taken for taken in times.values() if taken is not None]
    return RoundTrips(seconds, len(times) - len(seconds))


def _ready(waiting: selectors.BaseSelector, seconds: float) -> list[selectors.SelectorKey]:
    if waiting.get_map():
        return [key for key, _ in waiting.select(seconds)]
    # Windows refuses to wait for no socket at all.
    time.sleep(seconds)
    return []


def _end(
    waiting: selectors.BaseSelector,
    connection: socket.socket,
    begun: dict[socket.socket, float],
    times: dict[float, float | None],
) -> None:
    since = begun.pop(connection)
    taken = time.perf_counter() - since
    waiting.unregister(connection)
    answered = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) in _ANSWERS
    connection.close()
    if answered and taken <= LOST_SECONDS:
        times[since] = taken


class Beside:
    """Times connections in a thread of its own while the `with` lasts: what people feel who use the line meanwhile."""

    INTERVAL_SECONDS = 0.1
    """Twice as many would take 2 % of a line of 2 Mbit/s."""

    def __init__(self, host: Host, address: str, port: int) -> None:
        self.trips = RoundTrips()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(host, address, port), name="line-latency", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(2 * LOST_SECONDS)

    def _run(self, host: Host, address: str, port: int) -> None:
        self.trips = round_trips(
            host, address, port, count=10**6, interval=self.INTERVAL_SECONDS, enough=self._over.is_set
        )
