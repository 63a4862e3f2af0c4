"""LibreSpeed's endpoints over HTTP/1.1 and TLS, for agents whose network lets nothing else pass, and for browsers.

`GET garbage.php?ckSize=MEBIBYTES` sends random bytes, `POST empty.php` takes what it is sent, `GET empty.php` answers
nothing, `GET getIP.php` says from where the client is seen (LibreSpeed, doc of its back ends). Each asks for `token`,
that of a live lease, which pays for the bytes; `rate` paces a download, in bits per second. What asks without one, a
page of another site among them, gets 403 and no CORS header.
"""

import json
import logging
import os
import ssl
from contextlib import ExitStack
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

from prerequis.pacing import Pacer, spread
from prerequis_collector.byte_port import PATIENCE_SECONDS, BytePort
from prerequis_collector.config import Address
from prerequis_collector.errors import InvalidInput, LeaseLost
from prerequis_collector.line_server import CHUNK_BYTES, LARGE_AFTER_BYTES, RECORD_BYTES, listen_out
from prerequis_collector.services.lease import Lease, Leases

_MEBIBYTE = 1 << 20
_USUAL_MEBIBYTES, _MOST_MEBIBYTES = 4, 1024

_log = logging.getLogger(__name__)


class LineHttp(BytePort):
    """Only tokens of live leases move bytes."""

    def __init__(self, address: Address, context: ssl.SSLContext, leases: Leases) -> None:
        """Listen; raises InvalidInput when the address is taken."""
        self.leases = leases
        self.chunk = os.urandom(CHUNK_BYTES)
        super().__init__(address, context)

    def serve(self, connection: ssl.SSLSocket) -> None:
        """Answer requests until the client closes."""
        with ExitStack() as held:
            _Exchange(connection, connection.getpeername(), self, held)


class _Exchange(BaseHTTPRequestHandler):
    """The requests of one connection."""

    protocol_version = "HTTP/1.1"
    timeout = PATIENCE_SECONDS

    def __init__(self, connection: ssl.SSLSocket, peer: tuple[str, int], port: LineHttp, held: ExitStack) -> None:
        self._port = port
        self._held = held
        self._lease: Lease | None = None
        super().__init__(connection, peer, port)  # type: ignore[arg-type]  # it only keeps what it is given

    def do_GET(self) -> None:
        """Answer a request for one of the three endpoints."""
        lease = self._paid()
        if lease is None:
            return
        name = self._name()
        if name == "garbage.php":
            self._send_garbage(lease)
        elif name == "empty.php":
            self._answer(HTTPStatus.OK)
        elif name == "getIP.php":
            seen = {"processedString": self.client_address[0], "rawIspInfo": ""}
            self._answer(HTTPStatus.OK, json.dumps(seen).encode())
        else:
            self._refuse(HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        """Take a body and forget it."""
        lease = self._paid()
        if lease is None:
            return
        try:
            left = int(self.headers.get("Content-Length", ""))
        except ValueError:
            self._refuse(HTTPStatus.LENGTH_REQUIRED)
            return
        if self._name() != "empty.php" or left < 0:
            self._refuse(HTTPStatus.NOT_FOUND)
            return
        while left > 0:
            piece = self.rfile.read1(min(CHUNK_BYTES, left))
            if not piece:
                raise ConnectionAbortedError
            if self._port.leases.spend(lease.agent_id, lease.token, "up", len(piece)) < len(piece):
                raise InvalidInput("plus d'octets que le bail n'en donne")
            left -= len(piece)
        self._answer(HTTPStatus.OK)

    def do_OPTIONS(self) -> None:
        """Let a browser's page use a live token (CORS, WHATWG Fetch)."""
        if self._paid() is not None:
            self._answer(HTTPStatus.NO_CONTENT)

    def _name(self) -> str:
        return urlsplit(self.path).path.rpartition("/")[2]

    def _asked(self, key: str) -> str:
        return parse_qs(urlsplit(self.path).query).get(key, [""])[0]

    def _paid(self) -> Lease | None:
        """Return the live lease of the request's token; refuses it otherwise."""
        try:
            lease = self._port.leases.of_token(bytes.fromhex(self._asked("token")))
            if self._lease is None:
                self._lease = self._held.enter_context(self._port.leases.connection(lease.agent_id, lease.token))
        except (ValueError, LeaseLost):
            self._refuse(HTTPStatus.FORBIDDEN)
            return None
        if lease is not self._lease:
            self._refuse(HTTPStatus.FORBIDDEN)
            return None
        return lease

    def _send_garbage(self, lease: Lease) -> None:
        asked, rate = self._asked("ckSize"), self._asked("rate")
        mebibytes = int(asked) if asked.isascii() and asked.isdigit() else _USUAL_MEBIBYTES
        bits_per_second = float(rate) if rate.isascii() and rate.isdigit() else None
        left = min(max(1, min(mebibytes, _MOST_MEBIBYTES)) * _MEBIBYTE, lease.left["down"])
        if not left:
            self._refuse(HTTPStatus.FORBIDDEN)
            return
        spread(self.connection, bits_per_second)
        pacer = Pacer(bits_per_second)
        sent = 0
        self._begin(HTTPStatus.OK, left, "application/octet-stream")
        while sent < left:
            small = bits_per_second or sent < LARGE_AFTER_BYTES
            wanted = min(RECORD_BYTES if small else CHUNK_BYTES, left - sent)
            granted = self._port.leases.spend(lease.agent_id, lease.token, "down", wanted)
            if not granted:
                # Another connection of the same lease was faster: the object ends here, and is seen to be cut.
                self.close_connection = True
                return
            pacer.wait(granted)
            self.wfile.write(memoryview(self._port.chunk)[:granted])
            sent += granted

    def _begin(self, status: HTTPStatus, length: int, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.send_header("Content-Type", kind)
        self.send_header("Cache-Control", "no-store, no-transform")
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Access-Control-Allow-Methods", "GET, POST")
        self.send_header("Access-Control-Allow-Headers", "Content-Encoding, Content-Type")
        self.end_headers()

    def _answer(self, status: HTTPStatus, body: bytes = b"") -> None:
        self._begin(status, len(body))
        self.wfile.write(body)

    def _refuse(self, status: HTTPStatus) -> None:
        """Answer without a body, without CORS, and close."""
        self.close_connection = True
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()
        if self.headers.get("Content-Length", "0") != "0":
            # Closing while a body still comes would reset the connection and undo the answer.
            listen_out(self.connection)

    def version_string(self) -> str:
        """Return what the Server header says: not which version of Python runs here."""
        return "prerequis"

    def log_message(self, format: str, *args: object) -> None:
        """Log a request; its token is a secret for as long as its lease lives."""
        _log.debug("http: %s", self.command)
