"""Whose signature a certificate lets verify; each is examined once, for that costs more than a signature."""

from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from prerequis_collector.errors import NotIdentified
from prerequis_collector.services.authority import MALFORMED, Authority, Kind, named_by

_REMEMBERED = 4096
"""Certificates kept; about 3 kB each."""


class NotSigned(Exception):
    """Why the bytes are not an agent's, as one French sentence."""


@dataclass(frozen=True, slots=True)
class Signer:
    """An agent by the certificate that its authority gave it."""

    agent_id: str
    key: ec.EllipticCurvePublicKey

    def check(self, signature: bytes, body: bytes) -> None:
        """Return when the agent signed these bytes; raises NotSigned."""
        try:
            self.key.verify(signature, body, _ALGORITHM)
        except InvalidSignature:
            raise NotSigned("La signature du rapport n'est pas la bonne : il a été modifié en chemin.") from None


_ALGORITHM = ec.ECDSA(hashes.SHA256())


class Signers:
    """The agents of one authority.

    What is remembered is only what never changes: who the certificate names, and that the authority signed it. Whether
    the agent is still admitted is asked anew for every report.
    """

    def __init__(self, authority: Authority) -> None:
        self._authority = authority
        self._examined = lru_cache(_REMEMBERED)(self._examine)

    def of(self, certificate: bytes, shown: bytes = b"") -> Signer:
        """Return the agent that the certificate (DER) names; raises NotSigned.

        `shown` is the certificate with which TLS has already verified the caller against the same authority; a report
        that carries the same needs no second verification.
        """
        return self._examined(certificate, certificate == shown)

    def _examine(self, certificate: bytes, vouched: bool) -> Signer:
        try:
            loaded = x509.load_der_x509_certificate(certificate)
            key = loaded.public_key()
            named = named_by(loaded)
        except (NotIdentified, *MALFORMED) as error:
            raise NotSigned("Le certificat joint au rapport est illisible ou ne nomme pas un poste.") from error
        if named.kind is not Kind.AGENT or not (vouched or self._authority.vouches_for(loaded)):
            raise NotSigned("Le rapport est signé par un certificat que ce collecteur n'a pas donné.")
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise NotSigned("Le rapport n'est pas signé en ECDSA.")
        return Signer(named.name, key)
