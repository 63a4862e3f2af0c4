"""The raw TLS port on which agents measure their line.

A client that has a certificate of this collector sends one line, `PREREQUIS/1 <token in hexadecimal> <down|up>`. Down:
random bytes come until the lease is spent or the time is over. Up: the client sends, ends its half with TLS's close
notice, and gets one line of JSON, `{"bytes": N, "seconds": S}`, as counted here. Anything else is closed at once.

Threads and plain sockets: asyncio closes both halves of a TLS connection at once and could not answer an upload.
"""

import json
import logging
import os
import socket
import ssl
import time
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Thread

from cryptography import x509

from prerequis_collector.config import Address
from prerequis_collector.errors import CollectorError, InvalidInput
from prerequis_collector.services.authority import Kind, named_by
from prerequis_collector.services.lease import Leases

SECONDS = 3.0
"""The longest that one direction may last."""
_PATIENCE_SECONDS = 5.0
_CHUNK_BYTES = 64 * 1024
_CONNECTIONS = 32
_LONGEST_GREETING = 128

_log = logging.getLogger(__name__)


class LineServer:
    """Serves in threads of its own until it is closed; only tokens of live leases move bytes."""

    def __init__(self, address: Address, context: ssl.SSLContext, leases: Leases) -> None:
        """Listen; raises InvalidInput when the address is taken."""
        self._context = context
        self._leases = leases
        # Random, so that nothing on the way can shrink it; the same for all, so that making it costs no time.
        self._chunk = os.urandom(_CHUNK_BYTES)
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        try:
            # Every address of the machine means those of IPv4 too, as gRPC understands it.
            both = address.host == "::" and socket.has_dualstack_ipv6()
            self._socket = socket.create_server(
                (address.host, address.port), family=family, backlog=_CONNECTIONS, dualstack_ipv6=both
            )
        except OSError as error:
            raise InvalidInput(f"Impossible d'écouter sur {address} : l'adresse est prise ou interdite.") from error
        self.address = Address(address.host, self._socket.getsockname()[1])
        self._pool = ThreadPoolExecutor(_CONNECTIONS, thread_name_prefix="line")
        self._thread = Thread(target=self._accept, name="line", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take no more connections and end with those that are open."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()
        self._pool.shutdown()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return  # closed
            self._pool.submit(self._serve, connection).add_done_callback(_tell)

    def _serve(self, raw: socket.socket) -> None:
        raw.settimeout(_PATIENCE_SECONDS)
        try:
            with self._context.wrap_socket(raw, server_side=True) as connection:
                agent_id = _agent_of(connection)
                token, direction = _greeting(connection)
                if direction == "down":
                    self._send(connection, agent_id, token)
                else:
                    self._receive(connection, agent_id, token)
        except (OSError, CollectorError) as error:
            _log.info("measurement ended: %s: %s", type(error).__name__, error)
            raw.close()

    def _send(self, connection: ssl.SSLSocket, agent_id: str, token: bytes) -> None:
        ends = time.monotonic() + SECONDS
        while time.monotonic() < ends:
            granted = self._leases.spend(agent_id, token, "down", _CHUNK_BYTES)
            if granted == 0:
                return
            connection.sendall(memoryview(self._chunk)[:granted])

    def _receive(self, connection: ssl.SSLSocket, agent_id: str, token: bytes) -> None:
        buffer = bytearray(_CHUNK_BYTES)
        self._leases.spend(agent_id, token, "up", 0)
        received, first, last = 0, 0.0, 0.0
        ends = time.monotonic() + SECONDS + _PATIENCE_SECONDS
        while (count := connection.recv_into(buffer)) and time.monotonic() < ends:
            last = time.monotonic()
            if self._leases.spend(agent_id, token, "up", count) < count:
                raise InvalidInput("plus d'octets que le bail n'en donne")
            # The first bytes start the clock and are not counted: when they were sent is not known.
            received += count if first else 0
            first = first or last
        answer = {"bytes": received, "seconds": round(last - first, 6)}
        connection.sendall(json.dumps(answer).encode() + b"\n")


def _tell(served: Future[None]) -> None:
    error = served.exception()
    if error is not None:
        _log.error("measurement failed", exc_info=error)


def server_context(certificate: str, key: str, authority: str) -> ssl.SSLContext:
    """Return TLS that shows the certificate and asks for one of the authority; the arguments are paths of PEM files."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(authority)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def _agent_of(connection: ssl.SSLSocket) -> str:
    shown = connection.getpeercert(binary_form=True)
    named = named_by(x509.load_der_x509_certificate(shown or b""))
    if named.kind is not Kind.AGENT:
        raise InvalidInput("seul un poste mesure")
    return named.name


def _greeting(connection: ssl.SSLSocket) -> tuple[bytes, str]:
    """Return the token and the direction of the first line; what follows it stays unread."""
    line = bytearray()
    while not line.endswith(b"\n") and len(line) < _LONGEST_GREETING and (more := connection.recv(1)):
        line += more
    match line.split():
        case [b"PREREQUIS/1", token, (b"down" | b"up") as direction]:
            try:
                return bytes.fromhex(token.decode("ascii")), direction.decode("ascii")
            except ValueError:
                pass
    raise InvalidInput("salutation inconnue")
