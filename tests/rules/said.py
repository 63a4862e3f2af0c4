"""Judgements and their texts, as a test gives them."""

from collections.abc import Iterable
from dataclasses import dataclass

from prerequis_rules.model import Judged, Judgement


@dataclass(frozen=True, slots=True)
class Said:
    """The same texts for every rule."""

    seen: str = ""
    wanted: str = ""

    def observed(self, rule: str) -> str:
        return self.seen

    def expected(self, rule: str) -> str:
        return self.wanted

    def observed_alone(self, rule: str) -> str:
        return self.seen


def subjects(judgements: Iterable[Judgement]) -> list[Judged]:
    """Return each judgement as all that is said of its subject."""
    return [
        Judged(
            one.subject, (one.rule,), (one.verdict,), {one.rule: one.needs}, one.texts,
            frozenset({one.rule} if one.waived else ()),
        )
        for one in judgements
    ]  # fmt: skip
