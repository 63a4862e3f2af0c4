"""Running the cases that rules carry."""

from datetime import UTC

from prerequis.v1.context_pb2 import SiteContext, SiteMeasures
from prerequis_rules.answers import standing
from prerequis_rules.context import laid_over
from prerequis_rules.derive import derive
from prerequis_rules.ends import Ends, TextsOf, apply
from prerequis_rules.judge import site_ends, workstation_ends
from prerequis_rules.model import Case, Judgement, Rule
from prerequis_rules.pack import Pack
from prerequis_rules.services import described


def run_case(pack: Pack, rule: Rule, case: Case) -> Judgement:
    """Return what a rule gives for a case."""
    ends = case_ends(pack, case)
    return Judgement(rule.id, "", *apply(pack.programs[rule.id], ends), TextsOf(pack, lambda _: ends))


def case_ends(pack: Pack, case: Case) -> Ends:
    """Return what a rule is evaluated over in a case, whose profile is laid over the pack's default one."""
    context = case.context
    profile = laid_over(pack.default_profile, context.profile)
    now = context.now.ToDatetime(UTC)
    if isinstance(context, SiteContext):
        answers = standing(pack.questions, context.answers, now)
        measures = SiteMeasures()
        measures.CopyFrom(context.measures)
        if measures.HasField("services"):
            measures.services.CopyFrom(described(measures.services, profile, pack.knowledge))
        return site_ends(context.site, profile, answers, case.counts, measures, now)
    derived = context.derived if context.HasField("derived") else derive(context.facts, pack.knowledge, now)
    role = context.workstation.role if context.workstation.HasField("role") else None
    return workstation_ends(context.facts, role, context.site, profile, derived, now)


def run_cases(pack: Pack) -> tuple[str, ...]:
    """Return one sentence, with its place, for each case that does not give what it says."""
    return tuple(fault for rule in pack.rules.values() for case in rule.cases if (fault := _fault(pack, rule, case)))


def _fault(pack: Pack, rule: Rule, case: Case) -> str | None:
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
