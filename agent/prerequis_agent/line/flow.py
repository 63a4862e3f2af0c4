"""The connections of one direction under way, each pumped by a thread of its own."""

import socket
import threading
import time
from dataclasses import dataclass, field
from typing import Literal, Protocol

from prerequis.v1.line_pb2 import CUT, LineStop, LineTransport
from prerequis_agent.errors import AgentError, Unsupported
from prerequis_agent.line.series import Series, Stream
from prerequis_agent.line.stop import Rule

Direction = Literal["down", "up"]

STEP_SECONDS = 3.0
"""The longest that one connection may take to open, or to give its next bytes."""

_POLL_SECONDS = 0.05
_GOODBYE_SECONDS = 2.5

_LATE_BY_SECONDS = 0.5
"""How far the receiver's count may lag behind: its rhythm, and the way back."""

_HELD_SHARE = 0.2
_LEAST_HELD_BYTES = 256 * 1024


class LeaseEnded(Unsupported):
    """The collector no longer lets this machine load the line."""


class Budget:
    """The bytes that may still be sent, over all connections of a direction."""

    def __init__(self, left: int) -> None:
        self._left = left
        self._lock = threading.Lock()

    def take(self, wanted: int) -> int:
        """Return how many of the wanted bytes may go, and count them as gone."""
        with self._lock:
            granted = min(wanted, self._left)
            self._left -= granted
            return granted


class Connection(Protocol):
    """A connection that is open and moves nothing yet."""

    sent: int
    """Bytes handed to the system so far; 0 where the far end confirms each before it is counted."""
    held: bool
    """Whether something on the way was seen to take more than it passed on."""

    def pump(self, stream: Stream, budget: Budget, over: threading.Event) -> None:
        """Move bytes until it is over and note their arrival; raises OSError and ProbeError."""

    def unacknowledged(self) -> int:
        """Return how many of the bytes sent the next machine on the way has not acknowledged; 0 where not known."""

    def abort(self) -> None:
        """Wake whoever waits on it, for nothing more comes or goes."""

    def close(self) -> None:
        """Give its socket back; nobody may be moving bytes on it any more."""


class Transport(Protocol):
    """What carries the bytes."""

    kind: LineTransport.ValueType
    address: str
    port: int
    """Where round trips are timed."""

    def open(self, direction: Direction, bits_per_second: float | None) -> Connection:
        """Return one more connection, paced at so much, or as fast as it goes; raises OSError and ProbeError."""


def shut(connection: socket.socket) -> None:
    """Wake whoever waits on the connection; SSLSocket's own shutdown would let it read what is not deciphered."""
    try:
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    except OSError:  # the far end was first
        return


@dataclass(slots=True)
class Flow:
    """One direction; to be closed."""

    transport: Transport
    direction: Direction
    budget: Budget
    series: Series = field(default_factory=Series)
    held: bool = False
    """Something on the way took more than it passed on."""
    problems: list[Exception] = field(default_factory=list)
    _ready: list[Connection] = field(default_factory=list)
    _running: list[tuple[Connection, threading.Thread]] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def prepare(self, number: int, bits_per_second: float | None = None) -> None:
        """Open connections that move nothing until they begin; raises OSError and ProbeError."""
        for _ in range(number):
            self._ready.append(self.transport.open(self.direction, bits_per_second))

    def begin(self, number: int) -> None:
        """Let so many of the prepared connections move bytes."""
        for connection in (self._ready.pop(0) for _ in range(number)):
            stream = self.series.opened()
            pump = threading.Thread(target=self._pump, args=(connection, stream), name="line-bytes", daemon=True)
            self._running.append((connection, pump))
            pump.start()

    def wait(self, rule: Rule) -> LineStop.ValueType:
        """Return why the rule says to stop; CUT when every connection ended before."""
        reason = None
        while reason is None:
            time.sleep(_POLL_SECONDS)
            # A stream that is silent for long ends its own pump.
            ended = not any(pump.is_alive() for _, pump in self._running)
            reason = rule(self.series) or (CUT if ended else None)
        self.held = self.held or self._is_held()
        return reason

    def close(self) -> None:
        """End every connection; what is still under way belongs to no rate."""
        self._over.set()
        for stream in self.series.streams:
            stream.over = True
        for connection, _ in self._running:
            connection.abort()
        for connection, pump in self._running:
            pump.join(_GOODBYE_SECONDS)
            # A socket closed under a pump would fail in ways that are no fault of the line, or be another's by then.
            if not pump.is_alive():
                connection.close()
        for connection in self._ready:
            connection.close()

    def _is_held(self) -> bool:
        if any(connection.held for connection, _ in self._running):
            return True
        sent = sum(connection.sent for connection, _ in self._running)
        acknowledged = sent - sum(connection.unacknowledged() for connection, _ in self._running)
        seconds = self.series.seconds
        late = self.series.rate(0, seconds) / 8 * _LATE_BY_SECONDS
        return acknowledged - self.series.moved - late > max(_LEAST_HELD_BYTES, _HELD_SHARE * sent)

    def _pump(self, connection: Connection, stream: Stream) -> None:
        try:
            connection.pump(stream, self.budget, self._over)
        except (OSError, AgentError) as problem:
            if not self._over.is_set():
                self.problems.append(problem)
