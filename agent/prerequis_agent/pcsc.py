"""The part of pyscard's `smartcard.scard` that the agent uses, typed; pyscard itself carries no types."""

from collections.abc import Sequence
from typing import Protocol


class Scard(Protocol):
    """The C interface of PC/SC as pyscard gives it: every call returns its result code first."""

    SCARD_SCOPE_USER: int
    SCARD_SCOPE_SYSTEM: int
    SCARD_S_SUCCESS: int
    SCARD_E_NO_SERVICE: int
    SCARD_E_SERVICE_STOPPED: int
    SCARD_E_NO_READERS_AVAILABLE: int
    SCARD_E_INVALID_HANDLE: int
    SCARD_F_COMM_ERROR: int
    SCARD_W_SECURITY_VIOLATION: int
    SCARD_STATE_UNAWARE: int
    SCARD_STATE_PRESENT: int
    SCARD_STATE_EMPTY: int
    SCARD_STATE_MUTE: int
    SCARD_STATE_UNAVAILABLE: int
    SCARD_STATE_EXCLUSIVE: int

    def SCardEstablishContext(self, scope: int) -> tuple[int, int]:
        """Return the result code and a context."""

    def SCardListReaders(self, context: int, groups: Sequence[str]) -> tuple[int, list[str]]:
        """Return the result code and the names of the readers."""

    def SCardGetStatusChange(
        self, context: int, timeout: int, states: Sequence[tuple[str, int]]
    ) -> tuple[int, list[tuple[str, int, list[int]]]]:
        """Return the result code and, for each reader, its name, state and the ATR of its card."""

    def SCardReleaseContext(self, context: int) -> int:
        """Return the result code."""

    def SCardGetErrorMessage(self, result: int) -> str:
        """Return the system's text for a result code."""


class WatchedScard(Scard, Protocol):
    """What watching readers asks for besides: it waits, and still sends nothing to a card."""

    SCARD_E_TIMEOUT: int
    SCARD_E_UNKNOWN_READER: int


class ConnectedScard(WatchedScard, Protocol):
    """What reaches a card; only `card_channel.py` asks for it, and only when a person agreed."""

    SCARD_SHARE_SHARED: int
    SCARD_LEAVE_CARD: int
    SCARD_PROTOCOL_T0: int
    SCARD_PROTOCOL_T1: int
    SCARD_PCI_T0: int
    SCARD_PCI_T1: int
    SCARD_E_SHARING_VIOLATION: int

    def SCardConnect(self, context: int, reader: str, share: int, protocols: int) -> tuple[int, int, int]:
        """Return the result code, a handle and the protocol in use."""

    def SCardTransmit(self, card: int, protocol: int, apdu: list[int]) -> tuple[int, list[int]]:
        """Return the result code and the card's answer with its status word."""

    def SCardDisconnect(self, card: int, disposition: int) -> int:
        """Return the result code."""
