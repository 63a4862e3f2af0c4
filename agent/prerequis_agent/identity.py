"""The machine's own key and the certificate that the collector gave for it, kept together in one PEM file."""

import contextlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from prerequis_agent import at_rest
from prerequis_agent.durable import write
from prerequis_agent.errors import ConfigurationError

URI = "prerequis://agent/"
"""How the subject alternative name of an agent's certificate begins; the rest is the agent's id."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A P-256 key that never leaves the machine, and its certificate chain, the leaf first."""

    key: ec.EllipticCurvePrivateKey
    chain: tuple[x509.Certificate, ...]

    @property
    def certificate(self) -> x509.Certificate:
        """The machine's own certificate."""
        return self.chain[0]

    @property
    def agent_id(self) -> str:
        """The id under which the collector knows this installation."""
        names = self.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uris = names.get_values_for_type(x509.UniformResourceIdentifier)
        return next(uri.removeprefix(URI) for uri in uris if uri.startswith(URI))

    @property
    def expires(self) -> datetime:
        """When the certificate ends (UTC)."""
        return self.certificate.not_valid_after_utc

    def must_renew(self, now: datetime) -> bool:
        """Return whether two thirds of the certificate's life are over."""
        begun = self.certificate.not_valid_before_utc
        return now - begun >= (self.expires - begun) * 2 / 3

    def sign(self, content: bytes) -> bytes:
        """Return the ECDSA signature with SHA-256, DER."""
        return self.key.sign(content, ec.ECDSA(hashes.SHA256()))

    def certificate_der(self) -> bytes:
        """Return the machine's own certificate as DER."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    def chain_pem(self) -> bytes:
        """Return the certificate chain as PEM, the leaf first."""
        return b"".join(certificate.public_bytes(serialization.Encoding.PEM) for certificate in self.chain)

    def key_pem(self) -> bytes:
        """Return the key as unencrypted PKCS#8 PEM."""
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def keep(self, path: Path) -> None:
        """Write key and chain as one file that only this account, and on Windows only this machine, can read."""
        write(path, at_rest.written(self.key) + self.chain_pem())

    def protect(self, path: Path) -> None:
        """Write again a file in which an earlier agent kept the key in clear, where this system knows better."""
        with contextlib.suppress(OSError):  # an account that may only read uses the file as it is
            if not at_rest.is_protected(path.read_bytes()):
                self.keep(path)


def load(path: Path) -> Identity:
    """Return the identity that a file holds; raises ConfigurationError when there is none or it is damaged."""
    try:
        content = path.read_bytes()
        return _matching(at_rest.read(content), tuple(x509.load_pem_x509_certificates(content)))
    except FileNotFoundError:
        raise ConfigurationError(f"Il n'y a pas d'identité dans {path} : enrôler ce poste.") from None
    except PermissionError:
        raise ConfigurationError(f"Ce compte n'a pas le droit de lire {path}.") from None
    except ValueError as problem:
        raise ConfigurationError(f"L'identité {path} est abîmée ({problem}) : enrôler ce poste de nouveau.") from None


def passphrase(path: Path) -> bytes:
    """Return what opens the key of an identity file that holds it encrypted; raises ConfigurationError."""
    try:
        return at_rest.passphrase(path.read_bytes())
    except (OSError, ValueError) as problem:
        raise ConfigurationError(
            f"L'identité {path} ne s'ouvre pas ({problem}) : enrôler ce poste de nouveau."
        ) from None


def new_key() -> ec.EllipticCurvePrivateKey:
    """Return a fresh P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


def request(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return a PKCS#10 request, DER; it names nobody, since the collector decides who the machine is."""
    unsigned = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return unsigned.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def from_chain(key: ec.EllipticCurvePrivateKey, chain: tuple[bytes, ...]) -> Identity:
    """Return the identity that a key and its DER chain make; raises ValueError when they do not fit."""
    return _matching(key, tuple(x509.load_der_x509_certificate(certificate) for certificate in chain))


def _matching(key: ec.EllipticCurvePrivateKey, chain: tuple[x509.Certificate, ...]) -> Identity:
    if not chain or chain[0].public_key() != key.public_key():
        raise ValueError("le certificat n'est pas celui de la clé")
    identity = Identity(key, chain)
    try:
        _ = identity.agent_id
    except (x509.ExtensionNotFound, StopIteration):
        raise ValueError("le certificat ne nomme pas d'agent") from None
    return identity
