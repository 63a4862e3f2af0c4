"""Counts the cards of a drawer by kind, each insertion once; nothing outlives the process."""

import hashlib
import os
from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Census:
    """The cards seen so far.

    All cards of a generation give the same answer to reset, and nothing that tells them apart is ever read: a card that
    is inserted twice counts twice, so people are asked not to.
    """

    kinds: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How many of each (kind, French name)."""
    _salt: bytes = field(default_factory=lambda: os.urandom(32))
    _insertions: Counter[str] = field(default_factory=Counter)
    _seen: set[bytes] = field(default_factory=set)

    def inserted(self, reader: str) -> None:
        """Take note that a reader was given another card."""
        self._insertions[reader] += 1

    def add(self, reader: str, atr: bytes, kind: str, name: str) -> bool:
        """Count the card that is in a reader, and return whether it had not been counted."""
        digest = hashlib.sha256(
            b"%s\0%s\0%d\0%s" % (self._salt, reader.encode(), self._insertions[reader], atr)
        ).digest()
        if digest in self._seen:
            return False
        self._seen.add(digest)
        self.kinds[kind, name] += 1
        return True

    @property
    def total(self) -> int:
        """How many cards were counted."""
        return self.kinds.total()
