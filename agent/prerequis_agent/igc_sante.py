"""Says what kind of certificate one is, until when it holds, and of a card's its type; never whose it is.

The authorities of the IGC-Santé name themselves `AC IGC-SANTE …`, those of the tests `TEST AC IGC-SANTE …`, as the
certificates that the ANS publishes show. A card's certificate bears its type in the extension gipCardType (ANS,
nomenclature TRE_G02-TypeProduit). The téléservice INSi takes certificates that are given to INSI-AUTO or INSI-MANU.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from prerequis_agent import foreign_certificate

if TYPE_CHECKING:
    from cryptography.x509 import Certificate as X509
    from cryptography.x509 import Name

_AUTHORITY, _TEST = "IGC-SANTE", "TEST"
_OF_INSI = frozenset({"INSI-AUTO", "INSI-MANU"})
_CARD_TYPE = "1.2.250.1.71.1.2.2"
_COMMON_NAME, _SURNAME, _GIVEN_NAME, _PSEUDONYM = "2.5.4.3", "2.5.4.4", "2.5.4.42", "2.5.4.65"
# gipCardType is one DER value of three bytes, of which the last is the code of TRE_G02-TypeProduit.
_CARD_TYPE_BYTES, _CARD_TYPES = 3, 4


class Kind(StrEnum):
    """What a certificate is for, by the names of StoredCertificates.Kind."""

    CARD = "CARD"
    INSI = "INSI"
    IGC_SANTE = "IGC_SANTE"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is kept of a certificate."""

    kind: Kind
    ends_at: datetime
    """UTC."""
    test: bool
    """Given by a test authority of the IGC-Santé."""
    card_type: int | None = None
    """0 CPS, 1 CPF, 2 CDE or CPE, 3 CDA or CPA; None of a certificate that is no card's."""
    nominative: bool | None = None
    """Given to a person by name rather than to a service under a pseudonym; None where it says neither."""


def read(der: bytes) -> Certificate | None:
    """Return what is kept of a DER certificate; None of bytes that are none."""
    # Loaded where there is a certificate to read: it costs a tenth of a second.
    from cryptography import x509

    try:
        return _kept(foreign_certificate.load(der))
    except (ValueError, TypeError, x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return None


def _kept(found: "X509") -> Certificate:
    by_igc = any(_AUTHORITY in value for value in _values(found.issuer))
    if not by_igc:
        return Certificate(Kind.OTHER, found.not_valid_after_utc, test=False)
    test = any(_TEST in value.split() for value in _values(found.issuer))
    card_type = _card_type(found)
    if card_type is not None:
        return Certificate(Kind.CARD, found.not_valid_after_utc, test, card_type, _nominative(found.subject))
    kind = Kind.INSI if _OF_INSI & set(_values(found.subject, _COMMON_NAME)) else Kind.IGC_SANTE
    return Certificate(kind, found.not_valid_after_utc, test)


def _card_type(found: "X509") -> int | None:
    from cryptography import x509

    for extension in found.extensions:
        if extension.oid.dotted_string == _CARD_TYPE and isinstance(extension.value, x509.UnrecognizedExtension):
            value = extension.value.value
            return value[-1] if len(value) == _CARD_TYPE_BYTES and value[-1] < _CARD_TYPES else None
    return None


def _nominative(subject: "Name") -> bool | None:
    if _values(subject, _SURNAME) and _values(subject, _GIVEN_NAME):
        return True
    return False if _values(subject, _PSEUDONYM) else None


def _values(name: "Name", oid: str | None = None) -> list[str]:
    return [
        attribute.value.upper()
        for attribute in name
        if isinstance(attribute.value, str) and oid in (None, attribute.oid.dotted_string)
    ]
