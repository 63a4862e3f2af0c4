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
    SCARD_W_SECURITY_VIOLATION: int
    SCARD_STATE_UNAWARE: int
    SCARD_STATE_PRESENT: int
    SCARD_STATE_EMPTY: int
    SCARD_STATE_MUTE: int
    SCARD_STATE_UNAVAILABLE: int

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
