"""Counts the cards of a drawer by kind and type, each once as far as it can be told; nothing outlives the process."""

import hashlib
import os
from collections import Counter
from dataclasses import dataclass, field

from prerequis_agent.card_type import CardType


@dataclass(frozen=True, slots=True)
class Typed:
    """What is known of a card's type: what its certificate says, what a person says, or both."""

    name: str
    read: CardType | None = None

    @property
    def ends(self) -> str:
        """The month in which its certificate ends, as year-month; empty when it was not read."""
        return f"{self.read.ends:%Y-%m}" if self.read else ""


@dataclass(slots=True)
class Census:
    """The cards seen so far.

    All cards of a generation give the same answer to reset. A card whose certificate was read is known again by a
    digest of it, under a salt that lives in memory only; any other that is inserted twice counts twice.
    """

    kinds: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How many of each (kind, French name)."""
    types: Counter[Typed] = field(default_factory=Counter)
    """How many CPx of each type, of those whose type was read or told."""
    salt: bytes = field(default_factory=lambda: os.urandom(32))
    _insertions: Counter[str] = field(default_factory=Counter)
    _seen: set[bytes] = field(default_factory=set)

    def inserted(self, reader: str) -> None:
        """Take note that a reader was given another card."""
        self._insertions[reader] += 1

    def add(self, reader: str, atr: bytes, kind: str, name: str, digest: bytes | None = None) -> bool:
        """Count the card that is in a reader, and return whether it had not been counted.

        `digest` tells it from every other card; without it, the insertion does.
        """
        digest = digest or self._of_insertion(reader, atr)
        if digest in self._seen:
            return False
        self._seen.add(digest)
        self.kinds[kind, name] += 1
        return True

    def _of_insertion(self, reader: str, atr: bytes) -> bytes:
        told = b"%s\0%s\0%d\0%s" % (self.salt, reader.encode(), self._insertions[reader], atr)
        return hashlib.sha256(told).digest()

    @property
    def total(self) -> int:
        """How many cards were counted."""
        return self.kinds.total()
