"""Reads the type of a CPx card from its certificate, when a person agreed; the certificate itself is forgotten.

It names the card's holder: it is held in memory for the time of the reading, and what is kept of it is the type, the
month in which it ends, whether it is nominative, and whether it is a test card.
"""

import hmac
from dataclasses import dataclass
from datetime import date

from prerequis_agent import card_files, igc_sante
from prerequis_agent.card_channel import CardSilent, connected
from prerequis_agent.pcsc import ConnectedScard

CONSENT = (
    "--type lit le certificat public de chaque carte CPx, où figure le nom de son porteur. Il n'est lu qu'en mémoire "
    "et aussitôt oublié : n'en restent que le type de la carte, le mois de fin, « nominative » et « carte de test » "
    "(oui ou non). Aucun code n'est demandé ni essayé. Le porteur de chaque carte doit être d'accord."
)

NAMES = ("CPS", "CPF", "CDE ou CPE", "CDA ou CPA")
"""By the code of the ANS's nomenclature TRE_G02-TypeProduit; who is in charge of the structure is told elsewhere."""


@dataclass(frozen=True, slots=True)
class CardType:
    """What is kept of a card."""

    name: str
    ends: date
    """First day of the month in which its certificate ends."""
    nominative: bool | None
    test: bool


@dataclass(frozen=True, slots=True)
class ReadCard:
    """A card's type, and what tells it from the other cards of one census."""

    type: CardType
    digest: bytes
    """HMAC of the certificate under the census's salt: worth nothing without it."""


def read_type(scard: ConnectedScard, reader: str, salt: bytes) -> ReadCard:
    """Return the type of the card in a reader; raises CardHeld, or CardSilent when it does not tell it."""
    with connected(scard, reader) as channel:
        for der in card_files.certificates(channel):
            found = igc_sante.read(der)
            if found and found.card_type is not None:
                kept = CardType(
                    NAMES[found.card_type], found.ends_at.date().replace(day=1), found.nominative, found.test
                )
                return ReadCard(kept, hmac.digest(salt, der, "sha256"))
    raise CardSilent("Aucun certificat de la carte ne dit son type.")
