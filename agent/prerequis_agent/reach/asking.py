"""One host asked from end to end: name, TCP over each address family, then what its protocol wants."""

import errno
import http.client
import socket
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass

from prerequis.v1.facts_pb2 import Endpoint, EndpointPath
from prerequis.v1.services_pb2 import CRL, MUTUAL_TLS, OCSP, TCP
from prerequis_agent.host import Host
from prerequis_agent.reach.certificates import issuer
from prerequis_agent.reach.failures import asks_for_a_certificate, classify, fault
from prerequis_agent.reach.proxied import ProxyRefused, ProxyUnreachable, WebProxy, through
from prerequis_agent.reach.revocation import fetch
from prerequis_agent.surroundings import Target

STEP_SECONDS = 3.0
"""The longest that each of DNS, TCP by one address family, the proxy and TLS may take."""

# What a machine says at once of an address family that it does not have.
_NO_SUCH_FAMILY = frozenset({errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})


@dataclass(frozen=True, slots=True)
class Trust:
    """What a certificate is held against."""

    machine: ssl.SSLContext
    """The authorities that must have signed it: the machine's own list, or the collector's authority alone."""
    public: ssl.SSLContext | None
    """The authorities that the whole world knows, to tell a proxy that signs by itself; None where none is wanted."""


@dataclass(frozen=True, slots=True)
class _Way:
    """How connections to a host are opened, once it is known that one can be."""

    host: Host
    target: Target
    addresses: Sequence[str]
    proxy: WebProxy | None

    def open(self) -> socket.socket:
        if self.proxy:
            return through(self.host, self.proxy, self.target, STEP_SECONDS)
        return self.host.connect(self.addresses, self.target.port, STEP_SECONDS)


def ask(host: Host, target: Target, trust: Trust, proxy: WebProxy | None) -> Endpoint:
    """Return how far one gets towards a target.

    `reachable` stays unset where an answer came that neither proves nor refutes that the host gave it.
    """
    endpoint = Endpoint(
        host=target.host,
        port=target.port,
        purpose=target.purpose,
        protocol=target.protocol,
        through_proxy=proxy is not None,
    )
    try:
        _go(host, endpoint, target, trust, proxy)
    except ProxyUnreachable:
        _failed(endpoint, Endpoint.PROXY_UNREACHABLE)
    except ProxyRefused as refused:
        endpoint.http_status = refused.status
        _failed(endpoint, Endpoint.UNREACHABLE if refused.found_nobody else Endpoint.PROXY_REFUSED)
    except (OSError, UnicodeError, http.client.HTTPException) as problem:
        _failed(endpoint, classify(problem, endpoint.protocol))
    return endpoint


def _failed(endpoint: Endpoint, failure: Endpoint.Failure.ValueType) -> None:
    endpoint.reachable = failure == Endpoint.NONE
    endpoint.failure = failure


def _go(host: Host, endpoint: Endpoint, target: Target, trust: Trust, proxy: WebProxy | None) -> None:
    """Fill in how far one gets; raises what stopped it."""
    started = time.perf_counter()
    addresses: Sequence[str] = ()
    if not proxy:
        addresses = host.resolve(target.host, target.port, STEP_SECONDS)
        endpoint.name_seconds = time.perf_counter() - started
        started = time.perf_counter()
    way = _Way(host, target, addresses, proxy)
    if endpoint.protocol in (CRL, OCSP):
        _fetch(way, endpoint, started)
        return
    connection = way.open() if proxy else _by_each_family(host, endpoint, addresses)
    if proxy:
        endpoint.connect_seconds = time.perf_counter() - started
    if endpoint.protocol == TCP:
        connection.close()
        _failed(endpoint, Endpoint.NONE)
        return
    _handshake(way, endpoint, connection, trust)


def _by_each_family(host: Host, endpoint: Endpoint, addresses: Sequence[str]) -> socket.socket:
    """Return a connection by the family that the system prefers of those that lead there, and note where each leads."""
    families = {True: [one for one in addresses if ":" in one], False: [one for one in addresses if ":" not in one]}
    open_connection: socket.socket | None = None
    failure: OSError = TimeoutError()
    for is_ipv6 in dict.fromkeys(":" in address for address in addresses):
        path = EndpointPath()
        started = time.perf_counter()
        try:
            connection = host.connect(families[is_ipv6], endpoint.port, STEP_SECONDS)
        except OSError as problem:
            failure = problem
            if problem.errno in _NO_SUCH_FAMILY:
                continue
            path.reachable, path.failure = False, classify(problem, TCP)
        else:
            path.reachable, path.failure = True, Endpoint.NONE
            path.connect_seconds = time.perf_counter() - started
            if open_connection is None:
                open_connection = connection
                endpoint.connect_seconds = path.connect_seconds
            else:
                connection.close()
        (endpoint.ipv6 if is_ipv6 else endpoint.ipv4).CopyFrom(path)
    if open_connection is None:
        raise failure
    return open_connection


def _handshake(way: _Way, endpoint: Endpoint, connection: socket.socket, trust: Trust) -> None:
    started = time.perf_counter()
    try:
        with way.host.handshake(connection, endpoint.host, trust.machine) as secured:
            endpoint.handshake_seconds = time.perf_counter() - started
            endpoint.tls_version = secured.version() or ""
            endpoint.issuer = issuer(secured.getpeercert(binary_form=True) or b"")
    except ssl.SSLCertVerificationError as problem:
        endpoint.certificate_fault = fault(problem)
        _failed(endpoint, Endpoint.TLS_NOT_TRUSTED)
        _note_issuer(way, endpoint)
        return
    except ssl.SSLError as problem:
        if not (endpoint.protocol == MUTUAL_TLS and asks_for_a_certificate(problem)):
            raise
        endpoint.handshake_seconds = time.perf_counter() - started
    _failed(endpoint, Endpoint.NONE)
    if trust.public:
        _note_whether_public(way, endpoint, trust.public)


def _note_issuer(way: _Way, endpoint: Endpoint) -> None:
    """Fill in who signed a certificate that is not trusted: a proxy that inspects TLS shows its own name there."""
    anyone = ssl.create_default_context()
    anyone.check_hostname = False
    anyone.verify_mode = ssl.CERT_NONE
    try:
        with way.host.handshake(way.open(), endpoint.host, anyone) as secured:
            endpoint.issuer = issuer(secured.getpeercert(binary_form=True) or b"")
    except (OSError, ProxyUnreachable, ProxyRefused):
        # The first handshake said what matters; the name of the issuer stays unknown.
        return


def _note_whether_public(way: _Way, endpoint: Endpoint, public: ssl.SSLContext) -> None:
    """Fill in whether the world's authorities vouch for the host; nothing when a second connection does not succeed."""
    try:
        way.host.handshake(way.open(), endpoint.host, public).close()
    except ssl.SSLCertVerificationError:
        endpoint.public_authority = False
    except ssl.SSLError as problem:
        if asks_for_a_certificate(problem):
            endpoint.public_authority = True
    except (OSError, ProxyUnreachable, ProxyRefused):
        return
    else:
        endpoint.public_authority = True


def _fetch(way: _Way, endpoint: Endpoint, started: float) -> None:
    """Ask a revocation service over plain HTTP."""
    if way.proxy:
        connection = way.proxy.connect(way.host, STEP_SECONDS)
        endpoint.connect_seconds = time.perf_counter() - started
    else:
        connection = _by_each_family(way.host, endpoint, way.addresses)
    with connection:
        answer = fetch(connection, way.target, way.proxy)
    endpoint.http_status = answer.status
    failure = answer.failure(endpoint.protocol)
    if failure is not None:
        _failed(endpoint, failure)
