"""What the exceptions of Python's network modules say of a host."""

import http.client
import socket
import ssl

from prerequis.v1.facts_pb2 import Endpoint
from prerequis.v1.services_pb2 import MUTUAL_TLS, TLS, ServiceProtocol

# X509_V_ERR_* of OpenSSL's x509_vfy.h.
_FAULTS = {
    9: Endpoint.NOT_YET_VALID,
    10: Endpoint.EXPIRED,
    18: Endpoint.UNKNOWN_AUTHORITY,
    19: Endpoint.UNKNOWN_AUTHORITY,
    20: Endpoint.UNKNOWN_AUTHORITY,
    21: Endpoint.UNKNOWN_AUTHORITY,
    62: Endpoint.WRONG_NAME,
    64: Endpoint.WRONG_NAME,
}

# The alerts by which a server refuses a client that shows no certificate, TLS 1.2 and 1.3 (RFC 8446, 6.2).
_WANTS_A_CERTIFICATE = ("HANDSHAKE_FAILURE", "CERTIFICATE_REQUIRED", "BAD_CERTIFICATE")


def classify(problem: Exception, protocol: ServiceProtocol.ValueType = TLS) -> Endpoint.Failure.ValueType:
    """Return what an exception says of a host that is asked by this protocol."""
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
            # The far end, or a filter on the way, cut the handshake.
            return Endpoint.TLS_FAILED if protocol in (TLS, MUTUAL_TLS) else Endpoint.CUT
        case http.client.HTTPException():
            return Endpoint.WRONG_ANSWER
        case _:
            return Endpoint.UNREACHABLE


def fault(problem: ssl.SSLCertVerificationError) -> Endpoint.CertificateFault.ValueType:
    """Return why a certificate is not trusted."""
    return _FAULTS.get(problem.verify_code, Endpoint.OTHER_FAULT)


def asks_for_a_certificate(problem: ssl.SSLError) -> bool:
    """Return whether a server that was itself found trustworthy ended the handshake for want of a certificate."""
    reason = problem.reason or ""
    return "_ALERT_" in reason and reason.endswith(_WANTS_A_CERTIFICATE)
