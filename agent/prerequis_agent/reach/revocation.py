"""What revocation services answer over plain HTTP: a list (CRL, RFC 5280) or the state of one certificate (OCSP).

Cards and health certificates are checked against these two; a proxy that keeps plain HTTP back breaks signing on hours
later, when the last list has grown old, so that reaching the port proves too little.
"""

import http.client
import socket
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from prerequis.v1.facts_pb2 import Endpoint
from prerequis.v1.services_pb2 import CRL, OCSP, ServiceProtocol
from prerequis_agent.reach.proxied import WebProxy, place_of
from prerequis_agent.surroundings import Target

MOST_BYTES = 4 * 1024 * 1024
"""The longest list that is read; the lists of authorities are a few kilobytes."""

_NETWORK_AUTHENTICATION_REQUIRED = 511


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    url: str
    through_proxy: bool
    status: int
    location: str
    """Where a redirection leads; empty when the answer is none."""
    body: bytes

    def failure(self, protocol: ServiceProtocol.ValueType) -> Endpoint.Failure.ValueType | None:
        """Return what the answer says of the service; None where it proves nothing."""
        if self.through_proxy and self.status in (http.client.PROXY_AUTHENTICATION_REQUIRED, http.client.FORBIDDEN):
            return Endpoint.PROXY_REFUSED
        if self.through_proxy and self.status in (http.client.BAD_GATEWAY, http.client.GATEWAY_TIMEOUT):
            return Endpoint.UNREACHABLE
        if self.status == _NETWORK_AUTHENTICATION_REQUIRED or self._leads_elsewhere():
            return Endpoint.CAPTIVE_PORTAL
        if self.status == http.client.OK:
            is_genuine = is_crl(self.body) if protocol == CRL else is_ocsp_response(self.body)
            return Endpoint.NONE if is_genuine else Endpoint.WRONG_ANSWER
        # Where a list lies is published; what a responder says of a question that it does not like is not.
        return Endpoint.WRONG_ANSWER if protocol == CRL else None

    def _leads_elsewhere(self) -> bool:
        if not self.location:
            return False
        try:
            return urlsplit(urljoin(self.url, self.location)).hostname != urlsplit(self.url).hostname
        except ValueError:  # an address that is none is not that of the service
            return True


def fetch(connection: socket.socket, target: Target, proxy: WebProxy | None) -> Answer:
    """Return what the service answers over a connection to it, or to the proxy; raises OSError and HTTPException."""
    url = f"http://{place_of(target)}{target.path or '/'}"
    exchange = http.client.HTTPConnection(target.host, target.port)
    exchange.sock = connection
    headers = {"User-Agent": "prerequis-agent", "Connection": "close", **(proxy.headers if proxy else {})}
    place = url if proxy else target.path or "/"
    if target.protocol == OCSP:
        headers["Content-Type"] = "application/ocsp-request"
        exchange.request("POST", place, body=ocsp_question(), headers=headers)
    else:
        exchange.request("GET", place, headers=headers)
    answer = exchange.getresponse()
    location = answer.getheader("Location", "") if 300 <= answer.status < 400 else ""
    return Answer(url, proxy is not None, answer.status, location, answer.read(MOST_BYTES))


def ocsp_question() -> bytes:
    """Return a question, DER, about a certificate of an authority that does not exist: it tells nobody anything."""
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.x509 import ocsp

    nobody = bytes(hashes.SHA1.digest_size)
    question = ocsp.OCSPRequestBuilder().add_certificate_by_hash(nobody, nobody, 1, hashes.SHA1())  # noqa: S303
    return question.build().public_bytes(serialization.Encoding.DER)


def is_crl(body: bytes) -> bool:
    """Return whether this is a certificate revocation list, DER or PEM."""
    from cryptography import x509

    load = x509.load_pem_x509_crl if body.startswith(b"-----BEGIN") else x509.load_der_x509_crl
    try:
        load(body)
    except (ValueError, TypeError):
        return False
    return True


def is_ocsp_response(body: bytes) -> bool:
    """Return whether this is the answer of an OCSP responder, DER, a refusal included."""
    from cryptography.x509 import ocsp

    try:
        ocsp.load_der_ocsp_response(body)
    except ValueError:
        return False
    return True
