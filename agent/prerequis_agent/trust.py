"""By which authorities this machine knows its collector, and learning those that the collector names itself."""

import asyncio
import hashlib
import ssl
from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from prerequis_agent import durable
from prerequis_agent.config import State
from prerequis_agent.errors import CollectorUnreachable, Refused
from prerequis_agent.identity import Identity
from prerequis_agent.uplink import Uplink


def trusted(state: State) -> tuple[bytes, ...]:
    """Return the certificates, DER, none when their file is damaged: nobody is trusted then.

    Raises ConfigurationError when the machine is not enrolled.
    """
    try:
        kept = x509.load_pem_x509_certificates(state.authority_pem())
    except ValueError:
        return ()
    return tuple(one.public_bytes(Encoding.DER) for one in kept)


def digest(certificates: Sequence[bytes]) -> bytes:
    """Return what says to the collector which certificates, DER, those are."""
    return hashlib.sha256(b"".join(certificates)).digest()


def learn(state: State, identity: Identity, given: Sequence[bytes]) -> None:
    """Trust from now on the authorities that the collector gave, DER, and no others once they prove it too.

    While they do not, those that verified it so far stay beside them. Raises Refused when one is no certificate, and
    OSError when they cannot be kept; nothing has changed then.
    """
    kept = trusted(state)
    try:
        for one in given:
            x509.load_der_x509_certificate(one)
    except ValueError as problem:
        raise Refused(f"Le collecteur a donné une autorité illisible ({problem}).") from None
    wanted = tuple(given) if _prove(state, identity, given) else tuple(dict.fromkeys((*kept, *given)))
    if wanted != kept:
        durable.write(state.authority, _pem(wanted))


def _prove(state: State, identity: Identity, certificates: Sequence[bytes]) -> bool:
    """Return whether the collector is reached by whoever trusts these alone."""

    async def connect() -> None:
        async with Uplink(state.enrolment().collector, _pem(certificates), identity) as uplink:
            await uplink.connect()

    try:
        asyncio.run(connect())
    except CollectorUnreachable:
        return False
    return True


def _pem(certificates: Sequence[bytes]) -> bytes:
    return "".join(map(ssl.DER_cert_to_PEM_cert, certificates)).encode()
