"""Asks a card whether the ANS issued it, when a person agreed: two APDUs that stop before the card's number.

EF.SN.ICC (3F00/D003) begins `5A 0A 80 25 00 00 01` on every card of the ANS, and the number follows (sources of the
Cryptolib CPS, internal specification). Seven bytes are asked for, never more, whatever the card answers.
"""

from enum import Enum, auto

from prerequis_agent.pcsc import ConnectedScard

_SELECT = (0x00, 0xA4, 0x09, 0x0C, 0x04, 0x3F, 0x00, 0xD0, 0x03)
_ISSUER = bytes.fromhex("5A0A8025000001")
_READ = (0x00, 0xB0, 0x00, 0x00, len(_ISSUER))
_DONE = b"\x90\x00"

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


def parse_issuer(answer: bytes) -> Issuer:
    """Return what the answer to the reading says; bytes beyond those asked for are not looked at."""
    if answer[-2:] != _DONE:
        return Issuer.SILENT
    return Issuer.ANS if answer[:-2][: len(_ISSUER)] == _ISSUER else Issuer.OTHER


def ask_issuer(scard: ConnectedScard, reader: str) -> Issuer:
    """Return who issued the card in a reader; shared with other programs, and left as it was."""
    result, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    if result != scard.SCARD_S_SUCCESS:
        return Issuer.SILENT
    try:
        protocols = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
        result, card, protocol = scard.SCardConnect(context, reader, scard.SCARD_SHARE_SHARED, protocols)
        if result == scard.SCARD_E_SHARING_VIOLATION:
            return Issuer.HELD
        if result != scard.SCARD_S_SUCCESS:
            return Issuer.SILENT
        try:
            return _read(scard, card, scard.SCARD_PCI_T0 if protocol == scard.SCARD_PROTOCOL_T0 else scard.SCARD_PCI_T1)
        finally:
            scard.SCardDisconnect(card, scard.SCARD_LEAVE_CARD)
    finally:
        scard.SCardReleaseContext(context)


def _read(scard: ConnectedScard, card: int, protocol: int) -> Issuer:
    result, selected = scard.SCardTransmit(card, protocol, list(_SELECT))
    if result != scard.SCARD_S_SUCCESS or bytes(selected[-2:]) != _DONE:
        return Issuer.SILENT
    result, answer = scard.SCardTransmit(card, protocol, list(_READ))
    return parse_issuer(bytes(answer)) if result == scard.SCARD_S_SUCCESS else Issuer.SILENT
