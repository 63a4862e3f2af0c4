"""The score of a framework for a site, and whether the site can start.

The weights are this project's own choice; no source sets any: a blocking rule weighs two major ones, a major one two
and a half minor ones, and a rule for information nothing. A requirement that no rule and no question covers yet is not
known: it widens the interval, lowers the coverage, and keeps a site from being called ready.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from prerequis_rules.ends import UNBOUNDED
from prerequis_rules.model import Framework, FrameworkResult, Judgement, Level, Readiness, Rule, Scope, Score, Verdict
from prerequis_rules.pack import Pack

WEIGHTS: Mapping[Level, int] = {Level.BLOCKING: 10, Level.MAJOR: 5, Level.MINOR: 2, Level.INFO: 0}


@dataclass(frozen=True, slots=True)
class _Standing:
    """How the subjects of one rule fare, those to which it applies."""

    level: Level
    passed: int
    failed: int
    waived: int
    unknown: int
    """Judged without a verdict, or never seen."""

    @property
    def weighed(self) -> int:
        return self.passed + self.failed + self.unknown


def score_framework(
    pack: Pack, framework: Framework, judgements: Sequence[Judgement], *, unseen: int | None
) -> FrameworkResult:
    """Return a framework applied to a site.

    `judgements` are all those of the site and of its workstations, waivers laid on; others than of the framework's
    rules are left out. `unseen` is what judge.unseen_machines gives: None counts as 2^31 machines, so that nothing is
    certain of a site of unknown size. A rule of several requirements weighs once; a workstation rule is credited the
    share of the machines that pass; a waived FAIL is left out of the score. Requirements weigh the same where they are
    not covered, whatever their number of rules would be.
    """
    rules = [pack.rules[rule] for rule in sorted({one for each in framework.requirements for one in each.rules})]
    by_rule: dict[str, list[Judgement]] = {rule.id: [] for rule in rules}
    for judgement in judgements:
        if judgement.rule in by_rule:
            by_rule[judgement.rule].append(judgement)
    machines = UNBOUNDED if unseen is None else unseen
    standings = [_standing(rule, by_rule[rule.id], machines) for rule in rules]
    covered = Fraction(sum(one.covered for one in framework.requirements), len(framework.requirements))
    score = _score(standings, covered)
    return FrameworkResult(
        framework=framework.id,
        readiness=_readiness(standings, score, framework.coverage_threshold, complete=covered == 1),
        score=score,
        judgements=tuple(one for rule in rules for one in by_rule[rule.id]),
    )


def _standing(rule: Rule, judgements: Sequence[Judgement], unseen: int) -> _Standing:
    verdicts = [one.verdict for one in judgements if not one.waived]
    return _Standing(
        level=rule.level,
        passed=verdicts.count(Verdict.PASS),
        failed=verdicts.count(Verdict.FAIL),
        waived=len(judgements) - len(verdicts),
        unknown=verdicts.count(Verdict.UNKNOWN) + (unseen if rule.scope is Scope.WORKSTATION else 0),
    )


def _score(standings: Sequence[_Standing], covered: Fraction) -> Score | None:
    weighed = [(WEIGHTS[one.level], one) for one in standings if one.weighed]
    total = sum(weight for weight, _ in weighed)
    if not total:
        return None

    def share(counted: Callable[[_Standing], int]) -> Fraction:
        credit = sum((weight * Fraction(counted(one), one.weighed) for weight, one in weighed), Fraction())
        return covered * credit / total

    return Score(
        low=_per_cent(share(lambda one: one.passed)),
        high=_per_cent(share(lambda one: one.passed + one.unknown) + 1 - covered),
        coverage=_per_cent(share(lambda one: one.passed + one.failed)),
    )


def _per_cent(share: Fraction) -> float:
    """Return per cent with one decimal, rounded down: 100 means all of it."""
    return int(share * 1000) / 10


def _readiness(
    standings: Sequence[_Standing], score: Score | None, coverage_threshold: float, *, complete: bool
) -> Readiness:
    blocking = [one for one in standings if one.level is Level.BLOCKING]
    weighing = [one for one in standings if WEIGHTS[one.level]]
    if any(one.failed for one in blocking):
        return Readiness.NOT_READY
    if score is None or any(one.unknown for one in blocking) or score.coverage < round(100 * coverage_threshold, 1):
        return Readiness.INSUFFICIENT_DATA
    if not complete or any(one.failed or one.waived or one.unknown for one in weighing):
        return Readiness.READY_WITH_RESERVATIONS
    return Readiness.READY
