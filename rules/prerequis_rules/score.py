"""The score of a framework for a site, and whether the site can start.

The weights are this project's own choice; no source sets any: a blocking rule weighs two major ones, a major one two
and a half minor ones, and a rule for information nothing. A requirement that no rule and no question covers yet is not
known: it widens the interval, lowers the coverage, and keeps a site from being called ready.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import chain
from math import lcm
from typing import NamedTuple

from prerequis_rules.ends import UNBOUNDED
from prerequis_rules.model import (
    Framework,
    FrameworkResult,
    Judged,
    Level,
    Readiness,
    Rule,
    Scope,
    Score,
    Verdict,
    by_rule,
    counted,
)
from prerequis_rules.pack import Pack

WEIGHTS: Mapping[Level, int] = {Level.BLOCKING: 10, Level.MAJOR: 5, Level.MINOR: 2, Level.INFO: 0}


class _Standing(NamedTuple):
    """How the subjects of one rule fare, those to which it applies."""

    level: Level
    passed: int
    failed: int
    waived: int
    unknown: int
    """Judged without a verdict, or never seen."""
    weighed: int
    """Passed, failed or unknown."""


def score_frameworks(pack: Pack, subjects: Iterable[Judged], *, unseen: int | None) -> tuple[FrameworkResult, ...]:
    """Return every framework of the pack applied to a site, in the order of their ids.

    `subjects` are the site and its workstations, waivers laid on; each framework takes what its own rules say of them.
    `unseen` is what judge.unseen_machines gives: None counts as 2^31 machines, so that nothing is certain of a
    site of unknown size. A rule of several requirements weighs once; a workstation rule is credited the share of the
    machines that pass; a waived FAIL is left out of the score. Requirements weigh the same where they are not covered,
    whatever their number of rules would be.
    """
    judged = tuple(subjects)
    verdicts, machines = by_rule(judged), UNBOUNDED if unseen is None else unseen
    waived = Counter(chain.from_iterable(one.waived for one in judged))
    standings = {
        rule.id: _standing(rule, verdicts.get(rule.id, ()), waived[rule.id], machines) for rule in pack.rules.values()
    }
    return tuple(_framework(one, pack.covering[one.id], judged, standings) for one in pack.frameworks.values())


def _framework(
    framework: Framework, rules: tuple[str, ...], subjects: Sequence[Judged], standings: Mapping[str, _Standing]
) -> FrameworkResult:
    weighing = [standings[rule] for rule in rules]
    covered = Fraction(sum(one.covered for one in framework.requirements), len(framework.requirements))
    score = _score(weighing, covered)
    return FrameworkResult(
        framework=framework.id,
        readiness=_readiness(weighing, score, framework.coverage_threshold, complete=covered == 1),
        score=score,
        blocking=sum(one.failed for one in weighing if one.level is Level.BLOCKING),
        rules=rules,
        subjects=subjects,
    )


def _standing(rule: Rule, verdicts: tuple[Verdict, ...], waived: int, unseen: int) -> _Standing:
    passed, failed, unknown = counted(verdicts)
    failed -= waived
    unknown += unseen if rule.scope is Scope.WORKSTATION else 0
    return _Standing(rule.level, passed, failed, waived, unknown, weighed=passed + failed + unknown)


def _score(standings: Sequence[_Standing], covered: Fraction) -> Score | None:
    weighed = [one for one in standings if one.weighed]
    total = sum(WEIGHTS[one.level] for one in weighed)
    if not total:
        return None
    # Fractions are slow to add: the weights are cut into parts that the numbers of subjects of all rules divide.
    cut = lcm(*{one.weighed for one in weighed})
    parts = [(WEIGHTS[one.level] * (cut // one.weighed), one) for one in weighed]

    def share(credited: int) -> Fraction:
        return covered * Fraction(credited, cut * total)

    surely = share(sum(part * one.passed for part, one in parts))
    perhaps = share(sum(part * one.unknown for part, one in parts))
    return Score(
        low=_per_cent(surely),
        high=_per_cent(surely + perhaps + 1 - covered),
        coverage=_per_cent(surely + share(sum(part * one.failed for part, one in parts))),
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
