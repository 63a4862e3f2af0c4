"""Checking a rule pack: every expression compiled, every case run, every requirement mapped."""

from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

from prerequis.v1.context_pb2 import SiteContext
from prerequis_rules.answers import standing
from prerequis_rules.context import laid_over
from prerequis_rules.derive import derive
from prerequis_rules.ends import apply
from prerequis_rules.judge import site_ends, workstation_ends
from prerequis_rules.load import load_pack
from prerequis_rules.model import Case, Framework, Judgement, Rule
from prerequis_rules.pack import Pack
from prerequis_rules.schema import PackError


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a framework the pack covers."""

    requirements: int
    uncovered: tuple[str, ...]
    """Ids of the requirements that neither a rule nor a question covers."""


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check found; the pack is good when there is no error."""

    rules: int
    cases: int
    errors: tuple[str, ...]
    frameworks: dict[str, Coverage]

    @property
    def ok(self) -> bool:
        """Whether there is no error."""
        return not self.errors

    def as_json(self) -> dict[str, object]:
        """Return the document that `rules check --json` prints."""
        return {
            "ok": self.ok,
            "rules": self.rules,
            "cases": self.cases,
            "errors": list(self.errors),
            "frameworks": {
                identifier: {
                    "requirements": one.requirements,
                    "covered": one.requirements - len(one.uncovered),
                    "uncovered": list(one.uncovered),
                }
                for identifier, one in self.frameworks.items()
            },
        }


def check_pack(directory: Path | None = None) -> CheckReport:
    """Return what is right and wrong with the program's pack and what a directory lays over it; never raises for it."""
    try:
        pack = load_pack(directory)
    except PackError as error:
        return CheckReport(0, 0, tuple(map(str, error.problems)), {})
    return CheckReport(
        rules=len(pack.rules),
        cases=sum(len(rule.cases) for rule in pack.rules.values()),
        errors=run_cases(pack),
        frameworks={identifier: _coverage(framework) for identifier, framework in pack.frameworks.items()},
    )


def run_cases(pack: Pack) -> tuple[str, ...]:
    """Return one sentence, with its place, for each case that does not give what it says."""
    return tuple(fault for rule in pack.rules.values() for case in rule.cases if (fault := _fault(pack, rule, case)))


def run_case(pack: Pack, rule: Rule, case: Case) -> Judgement:
    """Return what a rule gives for one of its cases; the case's profile is laid over the pack's default one."""
    context = case.context
    profile = laid_over(pack.default_profile, context.profile)
    now = context.now.ToDatetime(UTC)
    if isinstance(context, SiteContext):
        answers = standing(pack.questions, context.answers, now)
        ends = site_ends(context.site, profile, answers, case.counts, context.measures, now)
    else:
        derived = context.derived if context.HasField("derived") else derive(context.facts, pack.knowledge, now)
        role = context.workstation.role if context.workstation.HasField("role") else None
        ends = workstation_ends(context.facts, role, context.site, profile, derived, now)
    return apply(rule, pack.programs[rule.id], "", ends)


def _fault(pack: Pack, rule: Rule, case: Case) -> str | None:
    """Return what a case gives that it should not; None when it holds."""
    judgement = run_case(pack, rule, case)
    where = f"{case.place}: cas « {case.name} »"
    if judgement.verdict is not case.verdict:
        return f"{where} : {judgement.verdict} au lieu de {case.verdict}"
    for item, expected in case.needs.items():
        quantity = judgement.needs.get(item)
        given = (quantity.certain, quantity.possible) if quantity else (0, 0)
        if given != expected:
            return f"{where} : besoin de {item} {_range(given)} au lieu de {_range(expected)}"
    return None


def _range(needs: tuple[int, int | None]) -> str:
    certain, possible = needs
    return f"[{certain}, {'sans limite' if possible is None else possible}]"


def _coverage(framework: Framework) -> Coverage:
    uncovered = tuple(one.id for one in framework.requirements if not one.covered)
    return Coverage(len(framework.requirements), uncovered)
