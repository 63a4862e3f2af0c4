"""The collector's raw TLS port: one line of greeting, then bytes one way.

The greeting is `PREREQUIS/1 <token in hexadecimal> <down|up> [key=value…]`. `rate` asks the collector to pace what it
sends, in bits per second; `counts=1` asks it to say meanwhile what it received, as lines of JSON
`{"at": seconds of its clock, "bytes": all so far}`, the last of them with `"ended": true`.
"""

import json
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from prerequis.pacing import Pacer, spread
from prerequis.v1.line_pb2 import RAW_TLS, LineTransport
from prerequis_agent.errors import ParseError
from prerequis_agent.host import Host
from prerequis_agent.line.flow import STEP_SECONDS, Budget, Connection, Direction, LeaseEnded, shut
from prerequis_agent.line.series import Stream
from prerequis_agent.surroundings import Collector, Lease
from prerequis_agent.tls_stream import TlsStream

RECORD_BYTES = 8 * 1024
"""What one record of TLS carries at first: larger ones come in steps on a slow line."""

_LARGE_RECORD_BYTES = 16 * 1024
_LARGE_AFTER_BYTES = 1_000_000
_NOTSENT_LOWAT = getattr(socket, "TCP_NOTSENT_LOWAT", 25 if sys.platform == "linux" else None)
_NOTSENT_BYTES = 32 * 1024
_BUFFER_BYTES = 64 * 1024
_LONGEST_LINE = 4096
_TIOCOUTQ = 0x5411


@dataclass(slots=True)
class RawTls:
    """Opens connections to the collector's measuring port at one of its addresses."""

    host: Host
    collector: Collector
    lease: Lease
    address: str
    kind: LineTransport.ValueType = RAW_TLS
    port: int = field(init=False)
    _context: ssl.SSLContext = field(init=False)

    def __post_init__(self) -> None:
        self.port = self.lease.port
        self._context = ssl.create_default_context(cafile=self.collector.authority)
        self._context.load_cert_chain(self.collector.identity, password=self.collector.passphrase)

    def open(self, direction: Direction, bits_per_second: float | None) -> Connection:
        """Return a connection after its TLS handshake; raises OSError."""
        plain = self.host.connect([self.address], self.port, STEP_SECONDS)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        greeting = f"PREREQUIS/1 {self.lease.token.hex()} {direction}"
        if direction == "down":
            rate = f" rate={round(bits_per_second)}" if bits_per_second else " rate=0"
            secured = self.host.handshake(plain, self.collector.host, self._context)
            return _Download(secured, f"{greeting}{rate}\n".encode())
        if _NOTSENT_LOWAT is not None:
            # What waits in this machine's own buffer would be sent long after the test ended.
            plain.setsockopt(socket.IPPROTO_TCP, _NOTSENT_LOWAT, _NOTSENT_BYTES)
        spread(plain, bits_per_second)
        stream = self.host.stream(plain, self.collector.host, self._context)
        return _Upload(stream, plain, f"{greeting} counts=1\n".encode(), bits_per_second)


@dataclass(slots=True)
class _Download:
    connection: ssl.SSLSocket
    greeting: bytes
    sent: int = 0
    held: bool = False

    def pump(self, stream: Stream, budget: Budget, over: threading.Event) -> None:
        buffer = bytearray(_BUFFER_BYTES)
        self.connection.sendall(self.greeting)
        while not over.is_set() and (count := self.connection.recv_into(buffer)):
            stream.arrived(time.perf_counter(), count)

    def unacknowledged(self) -> int:
        return 0

    def abort(self) -> None:
        shut(self.connection)

    def close(self) -> None:
        self.connection.close()


@dataclass(slots=True)
class _Upload:
    connection: TlsStream
    plain: socket.socket
    greeting: bytes
    bits_per_second: float | None
    sent: int = 0
    held: bool = False
    _heard: bytes = b""

    def pump(self, stream: Stream, budget: Budget, over: threading.Event) -> None:
        pacer = Pacer(self.bits_per_second)
        chunk = bytes(_LARGE_RECORD_BYTES)
        self.connection.send(self.greeting)
        ended = False
        while not over.is_set() and not ended:
            size = RECORD_BYTES if self.bits_per_second or self.sent < _LARGE_AFTER_BYTES else _LARGE_RECORD_BYTES
            granted = budget.take(size)
            if not granted:
                break
            pacer.wait(granted)
            self.connection.send(chunk[:granted])
            self.sent += granted
            ended = self._told(self.connection.hear(), stream)
        if not (ended or over.is_set()):
            self.connection.finish()
        while not (ended or over.is_set()) and (more := self.connection.receive()):
            ended = self._told(more, stream)

    def _told(self, words: bytes, stream: Stream) -> bool:
        """Note what the collector counted, and return whether it has said its last; raises ParseError, LeaseEnded."""
        for line in self._lines(words):
            try:
                said = json.loads(line)
                if "problem" in said:
                    raise LeaseEnded(str(said["problem"]))
                at, moved = float(said["at"]), int(said["bytes"])
                ended = bool(said.get("ended", False))
            except (ValueError, KeyError, TypeError, AttributeError):
                raise ParseError("Le collecteur n'a pas dit ce qu'il a reçu.") from None
            if not stream.moved <= moved <= self.sent or (stream.points and at < stream.points[-1][0]):
                raise ParseError("Le collecteur n'a pas bien compté ce qu'il a reçu.")
            stream.told(at, moved)
            if ended:
                return True
        return False

    def _lines(self, words: bytes) -> Iterator[bytes]:
        *whole, self._heard = (self._heard + words).split(b"\n")
        if len(self._heard) > _LONGEST_LINE:
            raise ParseError("Le collecteur n'a pas dit ce qu'il a reçu.")
        yield from whole

    def unacknowledged(self) -> int:
        if sys.platform != "linux":
            return 0
        import fcntl
        import struct

        try:
            return int(struct.unpack("i", fcntl.ioctl(self.plain, _TIOCOUTQ, bytes(4)))[0])
        except OSError:  # it has just been closed
            return 0

    def abort(self) -> None:
        shut(self.plain)

    def close(self) -> None:
        self.plain.close()
