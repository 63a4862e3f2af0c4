"""What is known of each requirement of a framework at one site, from the verdicts of its rules."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Self

from prerequis.v1 import judgement_pb2, review_pb2

Judgement = judgement_pb2.Judgement


class Standing(Enum):
    """How a requirement stands."""

    MET = "conforme"
    PARTLY = "en partie"
    NOT_MET = "non conforme"
    UNKNOWN = "non déterminé"
    NOT_APPLICABLE = "sans objet"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement, at one of its levels, and how it stands."""

    id: str
    title: str
    reinforced: bool
    """Of the higher level, where the framework has two."""
    standing: Standing
    failed: tuple[str, ...]
    """Titles of the rules that fail, a waiver said behind them."""
    unknown: tuple[str, ...]
    """Titles of the rules of which too little is known."""
    passed: int
    """Rules that hold for the whole site."""
    basis: tuple[str, ...] = ()
    """Of a mapped framework: the requirements that it is judged by, each as framework/requirement."""


def requirements_of(site: review_pb2.GetSiteResponse, framework: str) -> Iterator[Requirement]:
    """Yield the requirements of a framework that has rules, each level of one apart, in the publisher's order."""
    verdicts = _Verdicts.of(site)
    for one in (one for result in site.frameworks if result.id == framework for one in result.requirements):
        standard = _asked_of_everybody(one)
        if standard or not one.reinforced:
            yield verdicts.requirement(one.id, one.title, standard)
        if one.reinforced:
            yield verdicts.requirement(one.id, one.title, one.reinforced, reinforced=True)


def mapped_requirements(site: review_pb2.GetSiteResponse, mapped: review_pb2.FrameworkText) -> Iterator[Requirement]:
    """Yield the requirements of a framework that is only near to ours, by the rules of the level asked of everybody.

    Where ours has the higher level alone, its rules count.
    """
    verdicts = _Verdicts.of(site)
    rules = {
        f"{framework.id}/{one.id}": _asked_of_everybody(one) or list(one.reinforced)
        for framework in site.frameworks
        for one in framework.requirements
    }
    for echo in mapped.mapped:
        near = dict.fromkeys(rule for requirement in echo.requirements for rule in rules.get(requirement, ()))
        yield verdicts.requirement(echo.id, echo.title, list(near), basis=tuple(echo.requirements))


def _asked_of_everybody(requirement: judgement_pb2.RequirementResult) -> list[str]:
    return [rule for rule in requirement.rules if rule not in requirement.reinforced]


@dataclass(frozen=True, slots=True)
class _Verdicts:
    """The verdicts of a site by rule and subject: two frameworks may share a rule."""

    by_rule: Mapping[str, Mapping[str, judgement_pb2.Judgement]]
    whole: bool
    """Every machine that the register counts was seen: else no rule about machines is known to hold."""

    @classmethod
    def of(cls, site: review_pb2.GetSiteResponse) -> Self:
        found: dict[str, dict[str, judgement_pb2.Judgement]] = {}
        for one in (one for framework in site.frameworks for one in framework.verdicts):
            found.setdefault(one.rule, {})[one.subject] = one
        whole = site.site.HasField("workstations") and len(site.workstations) >= site.site.workstations
        return cls(found, whole)

    def requirement(
        self,
        identifier: str,
        title: str,
        rules: Sequence[str],
        *,
        reinforced: bool = False,
        basis: tuple[str, ...] = (),
    ) -> Requirement:
        failed: list[str] = []
        unknown: list[str] = []
        held: list[Judgement.Verdict.ValueType] = []
        blocked = False
        for rule in rules:
            judged = list(self.by_rule.get(rule, {}).values())
            failing = [one for one in judged if one.verdict == Judgement.FAIL]
            if failing:
                failed.append(_title(failing))
                blocked |= any(one.level == "blocking" and not one.waived for one in failing)
            elif self._is_open(judged):
                unknown.append(_title(judged) or rule)
            else:
                held.append(min(one.verdict for one in judged))
        passed = held.count(Judgement.PASS)
        return Requirement(
            id=identifier,
            title=title,
            reinforced=reinforced,
            standing=_standing(len(failed), len(unknown), len(held), passed, blocked=blocked),
            failed=tuple(failed),
            unknown=tuple(unknown),
            passed=passed,
            basis=basis,
        )

    def _is_open(self, judged: Sequence[judgement_pb2.Judgement]) -> bool:
        of_machines = any(one.scope == "workstation" for one in judged)
        return not judged or any(one.verdict == Judgement.UNKNOWN for one in judged) or (of_machines and not self.whole)


def _standing(failed: int, unknown: int, held: int, passed: int, *, blocked: bool) -> Standing:
    """Return how a requirement stands: one failure keeps it from being met, one unknown from being said to be."""
    if failed:
        return Standing.NOT_MET if blocked or not (passed or unknown) else Standing.PARTLY
    if unknown or not held:
        return Standing.UNKNOWN
    return Standing.MET if passed else Standing.NOT_APPLICABLE


def _title(judged: Sequence[judgement_pb2.Judgement]) -> str:
    """Return the title of the rule, with a waiver said behind it where it covers every failure."""
    if not judged:
        return ""
    title = judged[0].title or judged[0].rule
    return f"{title} (dérogation)" if all(one.waived for one in judged) else title
