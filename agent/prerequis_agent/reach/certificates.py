"""Who signed a certificate, and the authorities that the whole world knows."""

import importlib.util
import ssl
from pathlib import Path

from prerequis_agent import foreign_certificate

# Mozilla's list, which gRPC ships (etc/roots.pem of its repository): the agent has it already and nothing more to keep
# up to date. The machine's own list would not do, for it holds the authority of the proxy that is looked for.
_ROOTS = Path("_cython", "_credentials", "roots.pem")


def issuer(certificate: bytes) -> str:
    """Return organisation and common name of the issuer of a DER certificate; empty when it names neither."""
    # Loaded only once a host has shown a certificate: it takes longer than most probes.
    from cryptography import x509

    try:
        name = foreign_certificate.load(certificate).issuer
    except (ValueError, x509.InvalidVersion):
        return ""
    wanted = (x509.NameOID.ORGANIZATION_NAME, x509.NameOID.COMMON_NAME)
    return ", ".join(str(part.value) for oid in wanted for part in name.get_attributes_for_oid(oid))


def public_authorities() -> ssl.SSLContext | None:
    """Return a context that trusts the public authorities alone; None where their list is not found."""
    grpc = importlib.util.find_spec("grpc")
    if grpc is None or grpc.origin is None:
        return None
    try:
        return ssl.create_default_context(cafile=Path(grpc.origin).parent / _ROOTS)
    except OSError:
        return None
