"""The way to the collector: its name, a connection, its certificate, and what stands there in its place."""

import ipaddress
import socket
import ssl
import time
from dataclasses import dataclass

from prerequis.v1.line_pb2 import CAPTIVE_PORTAL, TLS_INSPECTED, LineFlag
from prerequis_agent.errors import Unsupported
from prerequis_agent.host import Host
from prerequis_agent.line.flow import STEP_SECONDS
from prerequis_agent.surroundings import Collector

_LONGEST_ANSWER = 4096


class Obstructed(Unsupported):
    """Something else answers in the collector's place."""

    def __init__(self, flag: LineFlag.ValueType, sentence: str) -> None:
        super().__init__(sentence)
        self.flag = flag


@dataclass(frozen=True, slots=True)
class Way:
    """How the collector was reached; times in seconds."""

    address: str
    local_address: str
    dns_seconds: float
    tls_seconds: float

    @property
    def is_ipv6(self) -> bool:
        """Whether the address is one of IPv6 that stands for none of IPv4."""
        address = ipaddress.ip_address(self.address.partition("%")[0])
        return isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None

    @property
    def is_loopback(self) -> bool:
        """Whether the collector is this machine."""
        bare = self.address.partition("%")[0]
        return ipaddress.ip_address(bare).is_loopback or bare == self.local_address.partition("%")[0]


def find(host: Host, collector: Collector) -> Way:
    """Return the way; raises Obstructed, and OSError where nothing answers."""
    started = time.perf_counter()
    addresses = host.resolve(collector.host, collector.port, STEP_SECONDS)
    resolved = time.perf_counter()
    connection = host.connect(addresses, collector.port, STEP_SECONDS)
    address, local = str(connection.getpeername()[0]), str(connection.getsockname()[0])
    shaking = time.perf_counter()
    context = ssl.create_default_context(cafile=collector.authority)
    try:
        # No identity is shown: that the collector is the collector is all that is asked.
        with host.handshake(connection, collector.host, context):
            pass
    except ssl.SSLCertVerificationError as problem:
        raise _impostor(host, collector, address) from problem
    except ssl.SSLError as problem:
        raise _not_tls(host, collector, address, problem) from problem
    return Way(address, local, resolved - started, time.perf_counter() - shaking)


def _impostor(host: Host, collector: Collector, address: str) -> Obstructed:
    """Return what to say of a certificate that another authority signed: a login page, or who inspects TLS."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    plain = host.connect([address], collector.port, STEP_SECONDS)
    with host.handshake(plain, collector.host, context) as connection:
        issuer = _issuer(connection.getpeercert(binary_form=True) or b"")
        if is_web_page(_asked(connection, collector.host)):
            return _portal(collector)
    return Obstructed(
        TLS_INSPECTED,
        f"Ce qui répond à {collector.host}:{collector.port} n'est pas le collecteur : son certificat est signé par "
        f"« {issuer} ». Demander à l'administrateur du réseau de ne pas inspecter les échanges avec {collector.host}.",
    )


def _not_tls(host: Host, collector: Collector, address: str, problem: ssl.SSLError) -> OSError | Obstructed:
    """Return what to say of an answer that is no TLS; the error itself when it is no Web page either."""
    with host.connect([address], collector.port, STEP_SECONDS) as connection:
        return _portal(collector) if is_web_page(_asked(connection, collector.host)) else problem


def _portal(collector: Collector) -> Obstructed:
    return Obstructed(
        CAPTIVE_PORTAL,
        f"Un portail captif répond à la place de {collector.host} : se connecter au réseau dans un navigateur, "
        "puis relancer.",
    )


def is_web_page(answer: bytes) -> bool:
    """Return whether an answer is a Web page or sends to one: what a captive portal gives to whatever it is asked."""
    head, _, body = answer.partition(b"\r\n\r\n")
    words = head.split(maxsplit=2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/1."):
        return False
    if words[1][:1] == b"3" or words[1] == b"511":  # 511: Network Authentication Required (RFC 6585)
        return True
    return words[1] == b"200" and b"<html" in body.lower()


def _asked(connection: socket.socket, name: str) -> bytes:
    answer = b""
    try:
        connection.sendall(f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
        while len(answer) < _LONGEST_ANSWER and (more := connection.recv(_LONGEST_ANSWER)):
            answer += more
    except OSError:  # what came before it was cut is what there is to judge
        return answer
    return answer


def _issuer(certificate: bytes) -> str:
    from cryptography import x509  # only for who stands behind something that inspects

    from prerequis_agent import foreign_certificate

    try:
        issuer = foreign_certificate.load(certificate).issuer
    except (ValueError, x509.InvalidVersion):
        return "inconnu"
    for kind in (x509.NameOID.ORGANIZATION_NAME, x509.NameOID.COMMON_NAME):
        for attribute in issuer.get_attributes_for_oid(kind):
            return str(attribute.value)
    return "inconnu"
