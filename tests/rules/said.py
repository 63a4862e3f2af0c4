"""Texts of a judgement, as a test gives them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Said:
    """The same texts for every rule."""

    seen: str = ""
    wanted: str = ""

    def observed(self, rule: str) -> str:
        return self.seen

    def expected(self, rule: str) -> str:
        return self.wanted
