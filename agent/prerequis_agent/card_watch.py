"""Follows readers and cards as they come and go, by SCardGetStatusChange alone: no card is connected to.

The wait is finite, so that Ctrl-C is heard and readers are listed again where PC/SC does not announce them (macOS).
"""

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from prerequis_agent.pcsc import WatchedScard

WAIT_SECONDS = 0.5
"""The longest wait for something to happen."""

_PLUG_AND_PLAY = r"\\?PnP?\Notification"
# The upper half of a state counts insertions and removals.
_COUNTER_SHIFT = 16
# A PC/SC that answers at once without news would keep a processor busy.
_HASTY_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class ServiceLost:
    """PC/SC does not answer; told once, until it answers again."""


@dataclass(frozen=True, slots=True)
class ServiceFound:
    """PC/SC answers, at first or again."""


@dataclass(frozen=True, slots=True)
class ReaderAdded:
    """PC/SC shows a reader that it did not."""

    reader: str


@dataclass(frozen=True, slots=True)
class ReaderRemoved:
    """PC/SC no longer shows a reader."""

    reader: str


@dataclass(frozen=True, slots=True)
class CardInserted:
    """A card gave its answer to reset, or is mute and gave none."""

    reader: str
    atr: bytes
    held: bool
    """Another program holds the card for itself."""
    resumed: bool = False
    """The same as before an interruption of PC/SC, as far as reader and answer to reset tell."""

    @property
    def is_mute(self) -> bool:
        """Whether it gave no answer."""
        return not self.atr


@dataclass(frozen=True, slots=True)
class CardRemoved:
    """A card that was told of left its reader."""

    reader: str


Event = ServiceLost | ServiceFound | ReaderAdded | ReaderRemoved | CardInserted | CardRemoved


@dataclass(slots=True)
class _Slot:
    """What is known of one reader: the state that PC/SC last gave, and the card that was told of."""

    state: int
    told: bytes | None = None
    """The answer to reset of the card that was told of, empty when it is mute; None without a card."""


class Watch:
    """The readers of one machine, followed."""

    def __init__(self, scard: WatchedScard) -> None:
        self._scard = scard
        self._slots: dict[str, _Slot] = {}
        self._before: dict[str, bytes] = {}
        self._answers: bool | None = None

    def events(self) -> Iterator[Event | None]:
        """Give what happens, for ever; None when nothing did for a while."""
        while True:
            result, context = self._scard.SCardEstablishContext(self._scard.SCARD_SCOPE_USER)
            if result == self._scard.SCARD_S_SUCCESS:
                try:
                    yield from self._in_context(context)
                finally:
                    self._scard.SCardReleaseContext(context)
            # The service ended, or never was: what was in the readers is compared when it comes back.
            self._before |= {name: slot.told for name, slot in self._slots.items() if slot.told is not None}
            self._slots.clear()
            if self._answers is not False:
                self._answers = False
                yield ServiceLost()
            else:
                yield None
            time.sleep(WAIT_SECONDS)

    def _in_context(self, context: int) -> Iterator[Event | None]:
        while True:
            names = self._names(context)
            if names is None:
                return
            if not self._answers:
                self._answers = True
                yield ServiceFound()
            yield from self._compare(names)
            started = time.monotonic()
            result, states = self._wait(context)
            if result not in (
                self._scard.SCARD_S_SUCCESS,
                self._scard.SCARD_E_TIMEOUT,
                self._scard.SCARD_E_UNKNOWN_READER,
            ):
                return
            news = [event for name, state, atr in states for event in self._update(name, state, bytes(atr))]
            yield from news
            if not news:
                yield None
            if not news and time.monotonic() - started < _HASTY_SECONDS:
                time.sleep(_HASTY_SECONDS)

    def _names(self, context: int) -> list[str] | None:
        """Return the names of the readers, or None when PC/SC does not answer."""
        result, names = self._scard.SCardListReaders(context, [])
        if result == self._scard.SCARD_E_NO_READERS_AVAILABLE:
            return []
        return names if result == self._scard.SCARD_S_SUCCESS else None

    def _compare(self, names: list[str]) -> Iterator[Event]:
        for name in [name for name in self._slots if name not in names]:
            if self._slots.pop(name).told is not None:
                yield CardRemoved(name)
            yield ReaderRemoved(name)
        for name in names:
            if name not in self._slots:
                self._slots[name] = _Slot(self._scard.SCARD_STATE_UNAWARE)
                yield ReaderAdded(name)

    def _wait(self, context: int) -> tuple[int, list[tuple[str, int, list[int]]]]:
        asked = [(name, slot.state) for name, slot in self._slots.items()]
        if sys.platform != "darwin":
            # Apple's PC/SC refuses this name.
            asked.append((_PLUG_AND_PLAY, len(self._slots) << _COUNTER_SHIFT))
        elif not asked:
            time.sleep(WAIT_SECONDS)
            return self._scard.SCARD_E_TIMEOUT, []
        return self._scard.SCardGetStatusChange(context, int(WAIT_SECONDS * 1000), asked)

    def _update(self, name: str, state: int, atr: bytes) -> Iterator[Event]:
        slot = self._slots.get(name)
        if slot is None:
            return
        swapped = slot.told is not None and state >> _COUNTER_SHIFT != slot.state >> _COUNTER_SHIFT
        slot.state = state
        card = self._card(state, atr)
        if slot.told is not None and (swapped or card != slot.told):
            slot.told = None
            yield CardRemoved(name)
        if card is not None and slot.told is None:
            slot.told = card
            held = bool(state & self._scard.SCARD_STATE_EXCLUSIVE)
            yield CardInserted(name, card, held, resumed=self._before.pop(name, None) == card)
        elif card is None:
            self._before.pop(name, None)

    def _card(self, state: int, atr: bytes) -> bytes | None:
        """Return the answer to reset of the card, empty of a mute one, None of no card or one still powering up."""
        if not state & self._scard.SCARD_STATE_PRESENT:
            return None
        if state & self._scard.SCARD_STATE_MUTE:
            return b""
        return atr or None
