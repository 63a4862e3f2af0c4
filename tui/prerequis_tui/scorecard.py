"""One framework's verdicts arranged for reading: one finding for each rule and observation, with all its subjects."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from prerequis.v1 import judgement_pb2
from prerequis_tui import wording

Judgement = judgement_pb2.Judgement

_LEVELS = list(wording.LEVEL)


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that met the same fate, for the same reason, on one or several subjects."""

    judgements: tuple[judgement_pb2.Judgement, ...]

    @property
    def first(self) -> judgement_pb2.Judgement:
        """Return the judgement that speaks for all: they differ by subject and dates only."""
        return self.judgements[0]

    @property
    def subjects(self) -> tuple[str, ...]:
        """Return the names that people know the machines by; none for a rule about the site itself."""
        if self.first.scope == "site":
            return ()
        return tuple(sorted(one.subject_name or one.subject for one in self.judgements))

    @property
    def word(self) -> wording.Word:
        """Return the verdict as a person reads it; a waiver is said, and its failure with it."""
        return wording.WAIVED if self.first.waived else wording.VERDICT[self.first.verdict]

    @property
    def remedy(self) -> tuple[str, str]:
        """Return what to do and the words that introduce it: what is not known may need nothing done."""
        verdict = self.first.verdict
        if not self.first.remedy or verdict in (Judgement.PASS, Judgement.NOT_APPLICABLE):
            return ("", "")
        return ("à faire" if verdict == Judgement.FAIL else "si besoin", self.first.remedy)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Return why nothing is known, each reason once."""
        return tuple(dict.fromkeys(reason for one in self.judgements for reason in one.reasons))

    @property
    def level(self) -> str:
        """Return the level in French."""
        return wording.LEVEL.get(self.first.level, self.first.level)


@dataclass(frozen=True, slots=True)
class Scorecard:
    """The findings of a framework, what weighs most first in each part."""

    blocking: tuple[Finding, ...]
    """Blocking rules that fail without a waiver: why the site is not ready."""
    failed: tuple[Finding, ...]
    """The other failures."""
    unknown_blocking: tuple[Finding, ...]
    unknown: tuple[Finding, ...]
    waived: tuple[Finding, ...]
    passed: tuple[Finding, ...]
    not_applicable: tuple[Finding, ...]
    not_covered: tuple[judgement_pb2.RequirementResult, ...]
    """Requirements that neither a rule nor a question covers: to be verified by other means."""


DECIDING = "dui"
"""The framework that says whether a site can start; the list of sites speaks of it."""


def in_order(frameworks: Iterable[judgement_pb2.FrameworkResult]) -> list[judgement_pb2.FrameworkResult]:
    """Return the frameworks, the one that decides first."""
    return sorted(frameworks, key=lambda framework: (framework.id != DECIDING, framework.id))


def arrange(framework: judgement_pb2.FrameworkResult) -> Scorecard:
    """Return the framework's verdicts in the order in which a person needs them."""
    failed = [one for one in framework.verdicts if one.verdict == Judgement.FAIL]
    unknown = [one for one in framework.verdicts if one.verdict in (Judgement.UNKNOWN, Judgement.VERDICT_UNSPECIFIED)]
    return Scorecard(
        blocking=findings(one for one in failed if one.level == "blocking" and not one.waived),
        failed=findings(one for one in failed if one.level != "blocking" and not one.waived),
        unknown_blocking=findings(one for one in unknown if one.level == "blocking"),
        unknown=findings(one for one in unknown if one.level != "blocking"),
        waived=findings(one for one in failed if one.waived),
        passed=findings(one for one in framework.verdicts if one.verdict == Judgement.PASS),
        not_applicable=findings(one for one in framework.verdicts if one.verdict == Judgement.NOT_APPLICABLE),
        not_covered=tuple(one for one in framework.requirements if not one.covered),
    )


def findings(judgements: Iterable[judgement_pb2.Judgement]) -> tuple[Finding, ...]:
    """Return the judgements grouped by rule, verdict and reason; heaviest level first, then by title."""
    groups: dict[tuple[str, int, str, str], list[judgement_pb2.Judgement]] = {}
    for one in judgements:
        groups.setdefault((one.rule, one.verdict, one.observed, one.expected), []).append(one)
    return tuple(sorted((Finding(tuple(group)) for group in groups.values()), key=_weight))


def _weight(finding: Finding) -> tuple[int, str, str]:
    level = finding.first.level
    return (_LEVELS.index(level) if level in _LEVELS else len(_LEVELS), finding.first.title, finding.first.observed)


def reasons(card: Scorecard) -> str:
    """Return in one sentence what decides the readiness."""
    parts: Sequence[str] = (
        wording.count(len(card.blocking), "blocage") if card.blocking else "",
        wording.count(len(card.unknown_blocking), "inconnu bloquant", "inconnus bloquants")
        if card.unknown_blocking
        else "",
        wording.count(len(card.failed), "autre écart", "autres écarts") if card.failed else "",
        wording.count(len(card.waived), "dérogation") if card.waived else "",
    )
    return ", ".join(part for part in parts if part)
