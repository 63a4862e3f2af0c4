"""The collector's own certificate, when another authority than its own is to sign it."""

import ipaddress
from collections.abc import Iterable, Sequence
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from prerequis_collector.errors import InvalidInput
from prerequis_collector.services.authority import MALFORMED, general_name


def request_of(key: ec.EllipticCurvePrivateKey, names: Iterable[str]) -> bytes:
    """Return a PKCS#10 request, PEM, for the host names and addresses under which the collector is reached."""
    alternatives = [general_name(name) for name in names]
    unsigned = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    extension = x509.SubjectAlternativeName(alternatives)
    return unsigned.add_extension(extension, critical=True).sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def checked_chain(
    pem: bytes, key: ec.EllipticCurvePrivateKey, name: str, trusted: Sequence[x509.Certificate], now: datetime
) -> Sequence[x509.Certificate]:
    """Return the certificates, the collector's own first, when whoever trusts these authorities will accept them.

    Raises InvalidInput: agents know the collector by this name.
    """
    try:
        chain = x509.load_pem_x509_certificates(pem)
    except MALFORMED as error:
        raise InvalidInput("Ce fichier ne contient pas de certificats lisibles, en PEM.") from error
    leaf = chain[0]
    if leaf.public_key() != key.public_key():
        raise InvalidInput(
            "Ce certificat n'est pas celui de la dernière demande : mettre celui du collecteur en premier, ou refaire "
            "« certificate request »."
        )
    if not leaf.not_valid_before_utc <= now <= leaf.not_valid_after_utc:
        raise InvalidInput(
            f"Ce certificat vaut du {leaf.not_valid_before_utc:%d/%m/%Y} au {leaf.not_valid_after_utc:%d/%m/%Y}, et "
            f"l'horloge de cette machine indique le {now:%d/%m/%Y}."
        )
    try:
        _verify(chain, name, trusted, now)
    except VerificationError as error:
        raise InvalidInput(
            f"Les postes n'accepteraient pas ce certificat pour {name} ({error}) : il doit nommer le collecteur et "
            "venir, par des intermédiaires joints au fichier, d'une autorité donnée à « init » ou annoncée par "
            "« certificate announce »."
        ) from error
    return chain


def leads_to(chain: Sequence[x509.Certificate], name: str, trusted: Sequence[x509.Certificate], now: datetime) -> bool:
    """Return whether whoever trusts these authorities accepts the chain, the leaf first, for this name then."""
    try:
        _verify(chain, name, trusted, now)
    except VerificationError:
        return False
    return True


def _verify(chain: Sequence[x509.Certificate], name: str, trusted: Sequence[x509.Certificate], now: datetime) -> None:
    verifier = PolicyBuilder().store(Store(list(trusted))).time(now).build_server_verifier(_subject(name))
    verifier.verify(chain[0], list(chain[1:]))


def _subject(name: str) -> x509.DNSName | x509.IPAddress:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
