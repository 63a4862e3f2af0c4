"""An authority of the organisation, which is not the collector's."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = datetime.now(UTC)


@dataclass(frozen=True)
class Signer:
    """An authority of the organisation."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def root(cls) -> "Signer":
        key = ec.generate_private_key(ec.SECP256R1())
        return cls(key, _issued("Racine", key, key, None))

    def below(self, name: str) -> "Signer":
        key = ec.generate_private_key(ec.SECP256R1())
        return Signer(key, _issued(name, key, self.key, self.certificate))

    def server(self, key: ec.EllipticCurvePublicKey, *names: str, ends: datetime = NOW + timedelta(days=90)) -> bytes:
        """Return a server's certificate, PEM."""
        alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        leaf = (
            _builder(x509.Name([]), self.certificate.subject, key, ends)
            .add_extension(alternatives, critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        return leaf.public_bytes(Encoding.PEM)

    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, ends: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
        .serial_number(x509.random_serial_number()).not_valid_before(NOW - timedelta(days=200)).not_valid_after(ends)
    )  # fmt: skip


def _issued(
    name: str, key: ec.EllipticCurvePrivateKey, signer: ec.EllipticCurvePrivateKey, above: x509.Certificate | None
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = x509.KeyUsage(
        digital_signature=False, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    issuer = above.subject if above is not None else subject
    return (
        _builder(subject, issuer, key.public_key(), NOW + timedelta(days=900))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
