"""LibreSpeed's endpoints over HTTP/1.1: the collector's own where only HTTP passes, or a server of the organisation.

Of LibreSpeed its three addresses are used, not its statistic (a factor of 1.06 for headers, and uploads counted where
they are sent). An upload here counts what the server has confirmed: a proxy that stores first cannot inflate it.
"""

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlencode, urlsplit

from prerequis.pacing import Pacer, spread
from prerequis.v1.facts_pb2 import LineCrossCheck
from prerequis.v1.line_pb2 import CAPTIVE_PORTAL, LIBRESPEED, LineLatency, LineTransport
from prerequis_agent.errors import ParseError, Unsupported
from prerequis_agent.host import Host
from prerequis_agent.line.flow import STEP_SECONDS, Budget, Connection, Direction, shut
from prerequis_agent.line.latency import round_trips
from prerequis_agent.line.method import capacity
from prerequis_agent.line.series import Stream
from prerequis_agent.line.way import Obstructed
from prerequis_agent.surroundings import Collector, Lease

OUTSIDE_BYTES = 16_000_000
"""The most that moves in each direction towards a server that keeps no account."""

_OBJECT_MEBIBYTES = 8
_POST_SECONDS = 0.2
_LEAST_POST, _MOST_POST = 8 * 1024, 1024 * 1024
_PIECE_BYTES = 64 * 1024
_STORED_SECONDS = 1.5
"""An object whose first byte comes later was first taken whole by something on the way."""

_PORTS = {"http": 80, "https": 443}


@dataclass(slots=True)
class LibreSpeed:
    """Opens connections to a LibreSpeed server."""

    host: Host
    base: SplitResult
    address: str
    port: int
    context: ssl.SSLContext | None
    token: str = ""
    """The lease's, for a collector; others ask for none."""
    kind: LineTransport.ValueType = LIBRESPEED

    def open(self, direction: Direction, bits_per_second: float | None) -> Connection:
        """Return a connection; raises OSError."""
        connection = self._connect()
        if direction == "down":
            asked = {"ckSize": str(_OBJECT_MEBIBYTES)}
            if self.token and bits_per_second:
                asked["rate"] = str(round(bits_per_second))
            return _Download(connection, self._path("garbage.php", asked))
        spread(connection.sock, bits_per_second)
        return _Upload(connection, self._path("empty.php", {}), bits_per_second)

    def check(self) -> None:
        """Make sure that a LibreSpeed server answers; raises Obstructed, Unsupported and OSError."""
        connection = self._connect()
        try:
            connection.request("GET", self._path("empty.php", {}))
            answer = connection.getresponse()
            body = answer.read(_PIECE_BYTES)
        except http.client.HTTPException as problem:
            raise Unsupported(f"{self.base.hostname} ne répond pas en HTTP ({type(problem).__name__}).") from problem
        finally:
            connection.close()
        if answer.status in range(300, 400) or answer.status == http.HTTPStatus.NETWORK_AUTHENTICATION_REQUIRED:
            raise _portal(str(self.base.hostname))
        if answer.status != http.HTTPStatus.OK:
            raise Unsupported(f"{self.base.hostname} refuse la mesure (HTTP {answer.status}).")
        if body:
            raise _portal(str(self.base.hostname))

    def _connect(self) -> http.client.HTTPConnection:
        name = str(self.base.hostname)
        plain = self.host.connect([self.address], self.port, STEP_SECONDS)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = http.client.HTTPConnection(name, self.port)
        connection.sock = self.host.handshake(plain, name, self.context) if self.context else plain
        return connection

    def _path(self, endpoint: str, asked: dict[str, str]) -> str:
        # A cache on the way must not answer.
        query = urlencode(asked | ({"token": self.token} if self.token else {}) | {"r": str(time.perf_counter_ns())})
        return f"{self.base.path.rstrip('/')}/{endpoint}?{query}"


def of_collector(host: Host, collector: Collector, lease: Lease, address: str) -> LibreSpeed:
    """Return the way by HTTP to the collector; raises Obstructed, Unsupported and OSError."""
    base = urlsplit(f"https://{collector.host}")
    context = ssl.create_default_context(cafile=collector.authority)
    way = LibreSpeed(host, base, address, lease.http_port, context, lease.token.hex())
    way.check()
    return way


def cross_check(host: Host, url: str) -> LineCrossCheck:
    """Return what a LibreSpeed server of the organisation shows; raises ProbeError and OSError."""
    base = urlsplit(url)
    if base.scheme not in _PORTS or not base.hostname:
        raise Unsupported(f"« {url} » n'est pas l'adresse d'un serveur LibreSpeed : écrire http:// ou https://.")
    try:
        port = base.port or _PORTS[base.scheme]
    except ValueError:
        raise Unsupported(f"« {url} » n'a pas un port possible.") from None
    address = host.resolve(base.hostname, port, STEP_SECONDS)[0]
    context = ssl.create_default_context() if base.scheme == "https" else None
    way = LibreSpeed(host, base, address, port, context)
    try:
        way.check()
    except ssl.SSLCertVerificationError:
        raise Unsupported(
            f"Ce poste ne reconnaît pas le certificat de {base.hostname} : y poser celui d'une autorité connue, ou "
            "donner l'adresse par le nom que porte le certificat."
        ) from None
    down, up = (capacity(way, direction, OUTSIDE_BYTES).found for direction in ("down", "up"))
    found = LineCrossCheck(
        tool=LIBRESPEED, down_bits_per_second=down.bits_per_second, up_bits_per_second=up.bits_per_second
    )
    trips = round_trips(host, address, port, count=10, interval=0.02).latency(LineLatency.TOWARDS_UNSPECIFIED)
    if trips.HasField("median_seconds"):
        found.rtt_seconds = trips.median_seconds
    return found


def _portal(name: str) -> Obstructed:
    return Obstructed(
        CAPTIVE_PORTAL,
        f"Une page Web répond à la place de {name} : se connecter au réseau dans un navigateur, puis relancer.",
    )


@contextlib.contextmanager
def _understood() -> Iterator[None]:
    try:
        yield
    except http.client.HTTPException as problem:
        raise ParseError(f"La réponse n'est pas du HTTP entier ({type(problem).__name__}).") from problem


@dataclass(slots=True)
class _Exchange:
    """A connection that asks again and again for one path."""

    connection: http.client.HTTPConnection
    path: str
    sent: int = field(default=0, kw_only=True)
    held: bool = field(default=False, kw_only=True)

    def unacknowledged(self) -> int:
        return 0

    def abort(self) -> None:
        if self.connection.sock is not None:
            shut(self.connection.sock)

    def close(self) -> None:
        self.connection.close()


@dataclass(slots=True)
class _Download(_Exchange):
    @_understood()
    def pump(self, stream: Stream, budget: Budget, over: threading.Event) -> None:
        while not over.is_set():
            asked = time.perf_counter()
            answer = _answer(self.connection, "GET", self.path)
            piece = answer.read1(_PIECE_BYTES)
            self.held = self.held or time.perf_counter() - asked > _STORED_SECONDS
            if not piece:
                return
            while piece and not over.is_set():
                stream.arrived(time.perf_counter(), len(piece))
                budget.take(len(piece))
                piece = answer.read1(_PIECE_BYTES)


@dataclass(slots=True)
class _Upload(_Exchange):
    bits_per_second: float | None
    _chunk: bytes = field(default=bytes(_MOST_POST), repr=False)

    @_understood()
    def pump(self, stream: Stream, budget: Budget, over: threading.Event) -> None:
        pacer = Pacer(self.bits_per_second)
        size = _LEAST_POST
        while not over.is_set():
            granted = budget.take(size)
            if not granted:
                return
            pacer.wait(granted)
            began = time.perf_counter()
            _answer(self.connection, "POST", self.path, self._chunk[:granted]).read()
            now = time.perf_counter()
            stream.arrived(now, granted)
            if not self.bits_per_second:
                size = max(_LEAST_POST, min(_MOST_POST, 2 * size, round(granted * _POST_SECONDS / (now - began))))


def _answer(
    connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None
) -> http.client.HTTPResponse:
    """Return the head of an answer; raises OSError, HTTPException, and Unsupported when it is no 200."""
    connection.request(method, path, body, {"Content-Type": "application/octet-stream"} if body else {})
    answer = connection.getresponse()
    if answer.status != http.HTTPStatus.OK:
        raise Unsupported(f"Le serveur refuse la mesure (HTTP {answer.status}).")
    return answer
