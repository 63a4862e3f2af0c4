"""Whether the hosts of the site's plan can be reached: DNS, TCP, TLS handshake; no request is ever sent."""

import socket
import ssl
import threading
import time
from collections.abc import Iterable

from prerequis.v1.facts_pb2 import Endpoint, Services
from prerequis_agent.errors import Unsupported
from prerequis_agent.host import Host
from prerequis_agent.probe import Observation, Probe
from prerequis_agent.surroundings import Target

STEP_SECONDS = 3.0
"""The longest that each of DNS, TCP and TLS may take."""

WHOLE_SECONDS = 12.0
"""The longest that all targets together may take; under the probe's deadline, so that one target never hides others."""


def observe(host: Host) -> Observation:
    """Return one endpoint for each target of the plan, in its order.

    The collector must show a certificate of its own CA, every other host one that this machine trusts.
    """
    plan, collector = host.surroundings.plan, host.surroundings.collector
    if plan is None:
        raise Unsupported("Le plan du site n'est pas connu : enrôler ce poste, ou le relier une fois à son collecteur.")
    trust: dict[tuple[str, int], ssl.SSLContext] = {}
    targets = plan.targets
    if collector:
        trust[collector.host, collector.port] = ssl.create_default_context(cafile=collector.authority)
        targets = tuple(
            target if target.host else Target(collector.host, collector.port, target.purpose) for target in targets
        )
    public = ssl.create_default_context()
    attempts = [_Attempt(host, target, trust.get((target.host, target.port), public)) for target in targets]
    for attempt in attempts:
        attempt.start()
    limit = time.perf_counter() + WHOLE_SECONDS
    for attempt in attempts:
        attempt.join(max(0.0, limit - time.perf_counter()))
    endpoints = [attempt.result() for attempt in attempts]
    return Observation(Services(endpoints=endpoints), _summary(endpoints))


class _Attempt(threading.Thread):
    """One target, tried in a thread of its own that never keeps the process from ending."""

    def __init__(self, host: Host, target: Target, trusted: ssl.SSLContext) -> None:
        super().__init__(name=f"services-{target.host}", daemon=True)
        self._host = host
        self._target = target
        self._trusted = trusted
        self._endpoint: Endpoint | None = None
        self._problem: Exception | None = None

    def run(self) -> None:
        """Try the target; what cannot be expected is kept for `result`."""
        try:
            self._endpoint = _reach(self._host, self._target, self._trusted)
        except Exception as problem:  # noqa: BLE001 – raised again where the runner sees it
            self._problem = problem

    def result(self) -> Endpoint:
        """Return what became of the target; one that drips its answer beyond the time of all counts as late."""
        if self._problem:
            raise self._problem
        return self._endpoint or Endpoint(
            host=self._target.host,
            port=self._target.port,
            purpose=self._target.purpose,
            reachable=False,
            failure=Endpoint.TIMED_OUT,
        )


def _summary(endpoints: Iterable[Endpoint]) -> str:
    missed = [f"{endpoint.host}:{endpoint.port}" for endpoint in endpoints if not endpoint.reachable]
    return f"Pas joint : {', '.join(missed)}." if missed else ""


def _reach(host: Host, target: Target, trusted: ssl.SSLContext) -> Endpoint:
    endpoint = Endpoint(host=target.host, port=target.port, purpose=target.purpose)
    try:
        _go(host, endpoint, trusted)
    except (OSError, UnicodeError) as problem:
        endpoint.reachable = False
        endpoint.failure = classify(problem)
        if endpoint.failure == Endpoint.TLS_NOT_TRUSTED:
            _note_issuer(host, endpoint)
    else:
        endpoint.reachable = True
        endpoint.failure = Endpoint.NONE
    return endpoint


def _go(host: Host, endpoint: Endpoint, trusted: ssl.SSLContext) -> None:
    """Fill in how far one gets towards an endpoint; raises what stopped it."""
    started = time.perf_counter()
    addresses = host.resolve(endpoint.host, endpoint.port, STEP_SECONDS)
    resolved = time.perf_counter()
    endpoint.name_seconds = resolved - started
    connection = host.connect(addresses, endpoint.port, STEP_SECONDS)
    connected = time.perf_counter()
    endpoint.connect_seconds = connected - resolved
    with host.handshake(connection, endpoint.host, trusted) as secured:
        endpoint.handshake_seconds = time.perf_counter() - connected
        endpoint.tls_version = secured.version() or ""
        endpoint.issuer = issuer(secured.getpeercert(binary_form=True) or b"")


def classify(problem: Exception) -> Endpoint.Failure.ValueType:
    """Return what an exception of Python's network modules says of the endpoint."""
    match problem:
        case ssl.SSLCertVerificationError():
            return Endpoint.TLS_NOT_TRUSTED
        case socket.gaierror() | UnicodeError():
            return Endpoint.NAME_NOT_FOUND
        case TimeoutError():
            return Endpoint.TIMED_OUT
        case ConnectionRefusedError():
            return Endpoint.REFUSED
        case ssl.SSLError() | ConnectionResetError() | BrokenPipeError() | ConnectionAbortedError():
            # Reset: the far end, or a filter on the way, cut the handshake.
            return Endpoint.TLS_FAILED
        case _:
            return Endpoint.UNREACHABLE


def _note_issuer(host: Host, endpoint: Endpoint) -> None:
    """Fill in who signed a certificate that is not trusted: a proxy that inspects TLS shows its own name there."""
    anyone = ssl.create_default_context()
    anyone.check_hostname = False
    anyone.verify_mode = ssl.CERT_NONE
    try:
        addresses = host.resolve(endpoint.host, endpoint.port, STEP_SECONDS)
        connection = host.connect(addresses, endpoint.port, STEP_SECONDS)
        with host.handshake(connection, endpoint.host, anyone) as secured:
            endpoint.issuer = issuer(secured.getpeercert(binary_form=True) or b"")
    except OSError:
        # The first handshake said what matters; the name of the issuer stays unknown.
        return


def issuer(certificate: bytes) -> str:
    """Return organisation and common name of the issuer of a DER certificate; empty when it names neither."""
    # Loaded only once a host has shown a certificate: it takes longer than most probes.
    from cryptography import x509

    try:
        name = x509.load_der_x509_certificate(certificate).issuer
    except (ValueError, x509.InvalidVersion):
        return ""
    wanted = (x509.NameOID.ORGANIZATION_NAME, x509.NameOID.COMMON_NAME)
    return ", ".join(str(part.value) for oid in wanted for part in name.get_attributes_for_oid(oid))


PROBE = Probe(
    "services",
    observe,
    about="Services que le plan du site demande : joignables ou non, durées, certificat montré.",
    deadline_seconds=15.0,
    uses_surroundings=True,
)
