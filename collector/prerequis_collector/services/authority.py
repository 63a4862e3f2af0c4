"""The collector's own certification authority: ECDSA P-256, X.509.

Of a certificate request only the public key is taken: who the certificate names is decided here.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from prerequis_collector.errors import InvalidInput, NotIdentified

AUTHORITY_LIFE = timedelta(days=3650)
SERVER_LIFE = timedelta(days=397)
AGENT_LIFE = timedelta(days=90)
OPERATOR_LIFE = timedelta(days=365)
# A machine whose clock is a little slow must not find its new certificate to be of the future.
_CLOCK_SKEW = timedelta(minutes=10)
_SCHEME = "prerequis://"


class Kind(StrEnum):
    """Whom a certificate may name."""

    AGENT = "agent"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Named:
    """Whom a certificate names, and its SHA-256."""

    kind: Kind
    name: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Authority:
    """A signing key, its certificate, and those above it where another authority signed that one."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    above: tuple[x509.Certificate, ...] = ()
    """Each signed the one before; the last is a root."""

    @classmethod
    def create(cls, now: datetime) -> "Authority":
        """Return a new authority with a key of its own."""
        key = new_key()
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Collecteur Prérequis")])
        certificate = (
            _certificate(name, name, key.public_key(), now, AUTHORITY_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        return cls(certificate, key)

    @classmethod
    def load(cls, certificate: bytes, key: bytes) -> "Authority":
        """Return the authority kept in two PEM texts; raises InvalidInput."""
        try:
            loaded = serialization.load_pem_private_key(key, None)
            if not isinstance(loaded, ec.EllipticCurvePrivateKey):
                raise InvalidInput("La clé de l'autorité n'est pas une clé ECDSA.")
            own, *above = x509.load_pem_x509_certificates(certificate)
            return cls(own, loaded, tuple(above))
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:  # TypeError: a key under a passphrase
            raise InvalidInput("Le certificat ou la clé de l'autorité est illisible.") from error

    @classmethod
    def of_others(cls, certificate: bytes, key: bytes, now: datetime) -> "Authority":
        """Return an authority that was made elsewhere, by two PEM texts; raises InvalidInput when it cannot serve.

        The text of one that is no root has those above it too, for whoever trusts nothing that does not lead to a root.
        """
        authority = cls.load(certificate, key)
        if authority.certificate.public_key() != authority.key.public_key():
            raise InvalidInput("La clé n'est pas celle du certificat de l'autorité.")
        if not may_sign(authority.certificate):
            raise InvalidInput("Ce certificat n'est pas celui d'une autorité : il ne permet pas d'en signer d'autres.")
        for below, signer in pairwise((*authority.trusted, authority.trusted[-1])):
            if not _signed(below, signer):
                raise InvalidInput(
                    "Ce certificat est signé par un autre : joindre au fichier, dans l'ordre, ceux des autorités "
                    "au-dessus, jusqu'à la racine."
                )
        authority.check_clock(now)
        return authority

    def check_clock(self, now: datetime) -> None:
        """Return when the authority holds at this moment; raises InvalidInput, for the clock may be what is wrong."""
        begins, ends = self.certificate.not_valid_before_utc, self.certificate.not_valid_after_utc
        if not begins <= now <= ends:
            raise InvalidInput(
                f"L'horloge de cette machine indique le {now:%d/%m/%Y}, mais l'autorité vaut du {begins:%d/%m/%Y} au "
                f"{ends:%d/%m/%Y} : régler l'horloge si elle est fausse."
            )

    def _identifier(self) -> x509.AuthorityKeyIdentifier:
        """Return how certificates name the key that signs them: as its own certificate does, where it does."""
        try:
            own = self.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        except x509.ExtensionNotFound:
            return x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)

    @property
    def trusted(self) -> tuple[x509.Certificate, ...]:
        """Return the authority's certificate, then those above it up to the root: trusted from the beginning."""
        return self.certificate, *self.above

    def issuer_pem(self) -> bytes:
        """Return what the collector trusts, PEM: this authority alone, for those above it sign for others too."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def certificate_pem(self) -> bytes:
        """Return these certificates as PEM."""
        return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in self.trusted)

    def issue_server(self, key: ec.EllipticCurvePublicKey, names: Iterable[str], now: datetime) -> x509.Certificate:
        """Return the collector's own certificate for these host names and addresses."""
        alternatives = [general_name(name) for name in names]
        return self._issue(key, alternatives, ExtendedKeyUsageOID.SERVER_AUTH, now, SERVER_LIFE)

    def issue_agent(self, key: ec.EllipticCurvePublicKey, agent_id: str, now: datetime) -> x509.Certificate:
        """Return a certificate that names the agent."""
        uri = x509.UniformResourceIdentifier(f"{_SCHEME}{Kind.AGENT}/{agent_id}")
        return self._issue(key, [uri], ExtendedKeyUsageOID.CLIENT_AUTH, now, AGENT_LIFE)

    def issue_operator(self, key: ec.EllipticCurvePublicKey, name: str, now: datetime) -> x509.Certificate:
        """Return a certificate that names the operator."""
        uri = x509.UniformResourceIdentifier(f"{_SCHEME}{Kind.OPERATOR}/{name}")
        return self._issue(key, [uri], ExtendedKeyUsageOID.CLIENT_AUTH, now, OPERATOR_LIFE)

    def vouches_for(self, certificate: x509.Certificate) -> bool:
        """Return whether this authority signed the certificate."""
        return _signed(certificate, self.certificate)

    def _issue(
        self,
        key: ec.EllipticCurvePublicKey,
        names: list[x509.GeneralName],
        usage: x509.ObjectIdentifier,
        now: datetime,
        life: timedelta,
    ) -> x509.Certificate:
        return (
            _certificate(x509.Name([]), self.certificate.subject, key, now, life)
            .add_extension(x509.SubjectAlternativeName(names), critical=True)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(self._identifier(), critical=False)
            .sign(self.key, hashes.SHA256())
        )


def may_sign(certificate: x509.Certificate) -> bool:
    """Return whether the certificate is one of an authority, which signs others."""
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return False
    return constraints.ca and usage.key_cert_sign


def is_root(certificate: x509.Certificate) -> bool:
    """Return whether the certificate is one of an authority that signed itself."""
    return may_sign(certificate) and _signed(certificate, certificate)


def _signed(certificate: x509.Certificate, signer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(signer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def new_key() -> ec.EllipticCurvePrivateKey:
    """Return a fresh P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the key as unencrypted PKCS#8, PEM; whoever writes it protects the file."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


MALFORMED: Final = (
    ValueError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What the library raises over a certificate or a request that somebody malformed."""


def requested_key(csr: bytes) -> ec.EllipticCurvePublicKey:
    """Return the public key of a PKCS#10 request, DER, whose sender has the private one; raises InvalidInput."""
    try:
        request = x509.load_der_x509_csr(csr)
        possessed, key = request.is_signature_valid, request.public_key()
    except MALFORMED as error:
        raise InvalidInput("La demande de certificat est illisible.") from error
    if not possessed or not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise InvalidInput("La demande de certificat doit être signée par sa propre clé, ECDSA P-256.")
    return key


def named_by(certificate: x509.Certificate) -> Named:
    """Return whom the certificate names; raises NotIdentified. Who signed it is not looked at."""
    try:
        alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uris = alternatives.get_values_for_type(x509.UniformResourceIdentifier)
        kind, name = uris[0].split(_SCHEME, 1)[1].split("/", 1)
        return Named(Kind(kind), name, certificate.fingerprint(hashes.SHA256()))
    except (x509.ExtensionNotFound, IndexError, *MALFORMED) as error:
        raise NotIdentified("Le certificat présenté ne nomme personne que ce collecteur connaisse.") from error


def chain_der(leaf: x509.Certificate, authority: Authority) -> list[bytes]:
    """Return the leaf, then the authority and those above it, DER."""
    return [each.public_bytes(serialization.Encoding.DER) for each in (leaf, *authority.trusted)]


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now.astimezone(UTC) - _CLOCK_SKEW)
        .not_valid_after(now.astimezone(UTC) + life)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def general_name(name: str) -> x509.GeneralName:
    """Return how a certificate names a host, by its name or its address."""
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
