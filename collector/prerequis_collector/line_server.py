"""The raw TLS port on which agents measure their line.

A client that has a certificate of this collector sends one line, `PREREQUIS/1 <token in hexadecimal> <down|up>
[key=value…]`. Down: random bytes come until the lease is spent or the time is over, at `rate` bits per second when that
is given. Up: the client sends, ends its half with TLS's close notice, and gets one line of JSON, `{"bytes": N,
"seconds": S}`, as counted here; with `counts=1` it gets a line whenever no more is there, 50 times a second at most,
`{"at": seconds of this clock, "bytes": all so far}`, the last of them with `"ended": true`. Anything else is closed at
once.

Threads and plain sockets: asyncio closes both halves of a TLS connection at once and could not answer an upload.
"""

import json
import os
import select
import socket
import ssl
import time
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from prerequis.pacing import Pacer, spread
from prerequis_collector.byte_port import PATIENCE_SECONDS, BytePort
from prerequis_collector.config import Address
from prerequis_collector.errors import InvalidInput, LeaseLost
from prerequis_collector.services.authority import Kind, named_by
from prerequis_collector.services.lease import Leases

SECONDS = 3.0
"""The longest that one direction may last for a client that says no more than what it wants."""
LONGER_SECONDS = 12.0
"""The longest for a client that ends the test itself."""
CHUNK_BYTES = 64 * 1024
RECORD_BYTES = 8 * 1024
"""What goes at once at first, and all along to who is paced: a slow line brings larger records in steps."""
LARGE_AFTER_BYTES = 1_000_000
_LAST_WORDS_SECONDS = 1.0
# A sender works in bursts: counts taken at any other moment of them, always the same, would miss part of the last one.
_COUNTS_SECONDS, _LATEST_COUNT_SECONDS = 0.02, 0.05
_LONGEST_GREETING = 256


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a client asks for."""

    token: bytes
    direction: str
    bits_per_second: float | None = None
    """What is sent is paced at this; None: as fast as it goes."""
    counts: bool = False
    seconds: float = SECONDS


class LineServer(BytePort):
    """Only tokens of live leases move bytes."""

    def __init__(self, address: Address, context: ssl.SSLContext, leases: Leases) -> None:
        """Listen; raises InvalidInput when the address is taken."""
        self._leases = leases
        # Random, so that nothing on the way can shrink it; the same for all, so that making it costs no time.
        self._chunk = os.urandom(CHUNK_BYTES)
        super().__init__(address, context)

    def serve(self, connection: ssl.SSLSocket) -> None:
        """Move the bytes that the greeting asks for."""
        agent_id = _agent_of(connection)
        greeting = read_greeting(connection)
        # Open connections are what keeps a lease alive, and their end what soon ends it.
        with self._leases.connection(agent_id, greeting.token):
            self._move(connection, agent_id, greeting)

    def _move(self, connection: ssl.SSLSocket, agent_id: str, greeting: Greeting) -> None:
        if greeting.direction == "down":
            self._send(connection, agent_id, greeting)
            return
        try:
            self._receive(connection, agent_id, greeting)
        except LeaseLost as error:
            if greeting.counts:
                _say(connection, {"problem": str(error)})
                listen_out(connection)
            raise

    def _send(self, connection: ssl.SSLSocket, agent_id: str, greeting: Greeting) -> None:
        spread(connection, greeting.bits_per_second)
        pacer = Pacer(greeting.bits_per_second)
        sent = 0
        ends = time.monotonic() + greeting.seconds
        while time.monotonic() < ends:
            small = greeting.bits_per_second or sent < LARGE_AFTER_BYTES
            granted = self._leases.spend(agent_id, greeting.token, "down", RECORD_BYTES if small else CHUNK_BYTES)
            if granted == 0:
                return
            pacer.wait(granted)
            connection.sendall(memoryview(self._chunk)[:granted])
            sent += granted

    def _receive(self, connection: ssl.SSLSocket, agent_id: str, greeting: Greeting) -> None:
        buffer = bytearray(CHUNK_BYTES)
        received, opening, first, last, told = 0, 0, 0.0, 0.0, 0.0
        ends = time.monotonic() + greeting.seconds + PATIENCE_SECONDS
        while (count := connection.recv_into(buffer)) and time.monotonic() < ends:
            last = time.perf_counter()
            if self._leases.spend(agent_id, greeting.token, "up", count) < count:
                raise InvalidInput("plus d'octets que le bail n'en donne")
            received += count
            if not first:
                # When the first bytes were sent is not known: they start the clock and belong to no rate.
                first, opening = last, count
            if not greeting.counts:
                continue
            # What a lost segment held up comes all at once, and is told of as one.
            if last - told >= _LATEST_COUNT_SECONDS or not _has_more(connection, told + _COUNTS_SECONDS - last):
                told = last
                _say(connection, {"at": round(last, 6), "bytes": received})
        if greeting.counts:
            _say(connection, {"at": round(last, 6), "bytes": received, "ended": True})
        else:
            _say(connection, {"bytes": received - opening, "seconds": round(last - first, 6)})


def listen_out(connection: socket.socket) -> None:
    """Take what is still coming for a moment: closing at once would reset the connection and undo the last words."""
    ends = time.monotonic() + _LAST_WORDS_SECONDS
    connection.settimeout(_LAST_WORDS_SECONDS)
    while time.monotonic() < ends and connection.recv(CHUNK_BYTES):
        pass


def _has_more(connection: ssl.SSLSocket, seconds: float) -> bool:
    """Return whether more bytes are here already, or come within so long."""
    return bool(connection.pending() or select.select([connection], [], [], max(0.0, seconds))[0])


def _say(connection: ssl.SSLSocket, what: dict[str, float | str]) -> None:
    connection.sendall(json.dumps(what).encode() + b"\n")


def server_context(certificate: str, key: str, authority: str) -> ssl.SSLContext:
    """Return TLS that shows the certificate and asks for one of the authority; the arguments are paths of PEM files.

    Of the authority's file only the first certificate is trusted: those above it sign for others too.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    issuer = x509.load_pem_x509_certificate(Path(authority).read_bytes())
    context.load_verify_locations(cadata=issuer.public_bytes(Encoding.DER))
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def http_context(certificate: str, key: str) -> ssl.SSLContext:
    """Return TLS that shows the certificate and asks for none: a lease's token is what lets bytes move."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    return context


def _agent_of(connection: ssl.SSLSocket) -> str:
    shown = connection.getpeercert(binary_form=True)
    named = named_by(x509.load_der_x509_certificate(shown or b""))
    if named.kind is not Kind.AGENT:
        raise InvalidInput("seul un poste mesure")
    return named.name


def read_greeting(connection: ssl.SSLSocket) -> Greeting:
    """Return what the first line asks for, and leave unread what follows it; raises InvalidInput and OSError."""
    line = bytearray()
    while not line.endswith(b"\n") and len(line) < _LONGEST_GREETING and (more := connection.recv(1)):
        line += more
    if not line:
        # Opened to be at hand, and not needed.
        raise ConnectionAbortedError
    return parse_greeting(bytes(line))


def parse_greeting(line: bytes) -> Greeting:
    """Return what a line asks for; keys that are not known are passed over. Raises InvalidInput."""
    try:
        version, token, direction, *options = line.decode("ascii").split()
        asked = dict(option.split("=", 1) for option in options)
        rate = int(asked.get("rate", "0"))
        if not line.endswith(b"\n") or version != "PREREQUIS/1" or direction not in ("down", "up") or rate < 0:
            raise ValueError
        return Greeting(
            bytes.fromhex(token),
            direction,
            bits_per_second=rate or None,
            counts=asked.get("counts") == "1",
            seconds=LONGER_SECONDS if asked else SECONDS,
        )
    except ValueError:
        raise InvalidInput("salutation inconnue") from None
