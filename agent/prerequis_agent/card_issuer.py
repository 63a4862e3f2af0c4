"""Asks a card whether the ANS issued it, when a person agreed: two APDUs that stop before the card's number.

EF.SN.ICC (3F00/D003) begins `5A 0A 80 25 00 00 01` on every card of the ANS, and the number follows (sources of the
Cryptolib CPS, internal specification). Seven bytes are asked for, never more, whatever the card answers.
"""

from enum import Enum, auto

from prerequis_agent.card_channel import DONE, CardHeld, CardSilent, connected
from prerequis_agent.pcsc import ConnectedScard

_SELECT = bytes.fromhex("00A4090C043F00D003")
_ISSUER = bytes.fromhex("5A0A8025000001")
_READ = bytes([0x00, 0xB0, 0x00, 0x00, len(_ISSUER)])

CONSENT = (
    "--confirm envoie deux commandes à chaque carte CPx pour vérifier que l'ANS l'a émise. Elles s'arrêtent avant le "
    "numéro de la carte : ni numéro, ni nom, ni code ne sont lus. Le porteur de la carte doit être d'accord."
)


class Issuer(Enum):
    """What a card says of who issued it."""

    ANS = auto()
    OTHER = auto()
    HELD = auto()
    """Another program holds the card for itself."""
    SILENT = auto()
    """The card was not reached, or answered something else than the standard says."""


def parse_issuer(answer: bytes, status: int) -> Issuer:
    """Return what the answer to the reading says; bytes beyond those asked for are not looked at."""
    if status != DONE:
        return Issuer.SILENT
    return Issuer.ANS if answer[: len(_ISSUER)] == _ISSUER else Issuer.OTHER


def ask_issuer(scard: ConnectedScard, reader: str) -> Issuer:
    """Return who issued the card in a reader."""
    try:
        with connected(scard, reader) as channel:
            _, status = channel.ask(_SELECT)
            return parse_issuer(*channel.ask(_READ)) if status == DONE else Issuer.SILENT
    except CardHeld:
        return Issuer.HELD
    except CardSilent:
        return Issuer.SILENT
