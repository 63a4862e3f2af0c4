"""Reaches a card when a person agreed: shared with other programs, left as it was, and only ever read.

Two commands of ISO 7816-4 are let through, SELECT and READ BINARY, with GET RESPONSE by which T=0 hands over an answer:
never VERIFY, not even the empty one that asks for the number of tries left, and no transaction that would make others
wait.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from prerequis_agent.errors import AgentError
from prerequis_agent.pcsc import ConnectedScard

DONE = 0x9000
_SELECT, _READ_BINARY, _GET_RESPONSE = 0xA4, 0xB0, 0xC0
_ALLOWED = frozenset({_SELECT, _READ_BINARY, _GET_RESPONSE})
_MORE, _OTHER_LENGTH = 0x61, 0x6C
# The longest answer that is asked for is a certificate; a card that always has more is faulty.
_MOST_PARTS = 64


class CardHeld(AgentError):
    """Another program holds the card for itself."""


class CardSilent(AgentError):
    """The card was not reached, or answered something else than the standard says."""


class Channel:
    """A card that is connected to."""

    def __init__(self, scard: ConnectedScard, card: int, protocol: int) -> None:
        self._scard = scard
        self._card = card
        self._protocol = protocol

    def ask(self, apdu: bytes) -> tuple[bytes, int]:
        """Return what a card answers to one command, and its status word; raises CardSilent when it answers nothing."""
        if apdu[1] not in _ALLOWED:
            raise ValueError(f"{apdu[1]:02X} is not in the list of commands that a card may be sent")
        result, answer = self._scard.SCardTransmit(self._card, self._protocol, list(apdu))
        if result != self._scard.SCARD_S_SUCCESS or len(answer) < 2:
            raise CardSilent("La carte ne répond pas.")
        return bytes(answer[:-2]), answer[-2] << 8 | answer[-1]

    def ask_whole(self, apdu: bytes) -> tuple[bytes, int]:
        """Return the same, after asking again in the length that the card names, and for what it still has."""
        answer, status = self.ask(apdu)
        if status >> 8 == _OTHER_LENGTH:
            answer, status = self.ask(apdu[:-1] + bytes([status & 0xFF]))
        for _ in range(_MOST_PARTS):
            if status >> 8 != _MORE:
                return answer, status
            more, status = self.ask(bytes([apdu[0], _GET_RESPONSE, 0, 0, status & 0xFF]))
            answer += more
        raise CardSilent("La carte ne finit pas de répondre.")


@contextmanager
def connected(scard: ConnectedScard, reader: str) -> Iterator[Channel]:
    """Hold a card for the time of a `with`; raises CardHeld or CardSilent when it cannot be had."""
    result, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    if result != scard.SCARD_S_SUCCESS:
        raise CardSilent("Le service des cartes à puce (PC/SC) ne répond pas.")
    try:
        protocols = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
        result, card, protocol = scard.SCardConnect(context, reader, scard.SCARD_SHARE_SHARED, protocols)
        if result == scard.SCARD_E_SHARING_VIOLATION:
            raise CardHeld("Un autre logiciel tient la carte.")
        if result != scard.SCARD_S_SUCCESS:
            raise CardSilent("La carte ne se laisse pas joindre.")
        try:
            is_t0 = protocol == scard.SCARD_PROTOCOL_T0
            yield Channel(scard, card, scard.SCARD_PCI_T0 if is_t0 else scard.SCARD_PCI_T1)
        finally:
            scard.SCardDisconnect(card, scard.SCARD_LEAVE_CARD)
    finally:
        scard.SCardReleaseContext(context)
