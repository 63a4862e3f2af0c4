"""A stage of loopback: names that lead to servers of these tests, and what those servers play."""

import socket
import ssl
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp
from tests.agent.conftest import Authority, Serve

from prerequis.v1.facts_pb2 import Endpoint
from prerequis_agent.host import Host
from prerequis_agent.reach.asking import Trust, ask
from prerequis_agent.reach.proxied import WebProxy
from prerequis_agent.surroundings import Target

Handle = Callable[[socket.socket], None]


class StageHost(Host):
    """A machine whose resolver knows only the names that it was given, and whose connections stay on loopback."""

    def __init__(self, names: Mapping[str, Sequence[str]], ports: Mapping[int, int] | None = None) -> None:
        super().__init__()
        self._names = names
        self._ports = ports or {}

    def resolve(self, host: str, port: int, timeout: float) -> list[str]:
        if host not in self._names:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return list(self._names[host])

    def web_proxy(self, name: str, scheme: str) -> str:
        return ""

    def connect(self, addresses: Sequence[str], port: int, timeout: float) -> socket.socket:
        return super().connect(addresses, self._ports.get(port, port), timeout)


@dataclass
class Stage:
    """Asks one target of a loopback server."""

    authority: Authority
    names: dict[str, Sequence[str]] = field(default_factory=lambda: {"host.test": ["127.0.0.1"]})
    ports: dict[int, int] = field(default_factory=dict)
    public: ssl.SSLContext | None = None

    def ask(self, target: Target, proxy: WebProxy | None = None) -> Endpoint:
        machine = ssl.create_default_context(cadata=self.authority.pem.decode())
        return ask(StageHost(self.names, self.ports), target, Trust(machine, self.public), proxy)


def tls_server(serve: Serve, context: ssl.SSLContext) -> int:
    def handle(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            secured.recv(100)

    return serve(handle)


def http_server(serve: Serve, answer: bytes, asked: list[bytes] | None = None) -> int:
    """Return the port of a server that reads one request, body included, and gives this answer."""

    def handle(connection: socket.socket) -> None:
        request = read_request(connection)
        if asked is not None:
            asked.append(request)
        connection.sendall(answer)

    return serve(handle)


def read_request(connection: socket.socket) -> bytes:
    request = b""
    while b"\r\n\r\n" not in request:
        more = connection.recv(4096)
        if not more:
            return request
        request += more
    head, _, body = request.partition(b"\r\n\r\n")
    lengths = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
    while lengths and len(body) < lengths[0]:
        body += connection.recv(4096)
    return head + b"\r\n\r\n" + body


def http_answer(status: str, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def crl(authority: Authority) -> bytes:
    now = datetime.now(UTC)
    builder = x509.CertificateRevocationListBuilder(authority.certificate.subject, now, now + timedelta(days=1))
    return builder.sign(authority.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def ocsp_refusal() -> bytes:
    refusal = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.UNAUTHORIZED)
    return refusal.public_bytes(serialization.Encoding.DER)


def reset(connection: socket.socket) -> None:
    """End the connection by a reset, as filters do that answer in the far end's place."""
    connection.recv(1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
