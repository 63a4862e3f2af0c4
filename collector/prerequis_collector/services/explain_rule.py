"""The rules in force, in one line each or in full, as messages for the people who ask why."""

from collections.abc import Iterator
from copy import deepcopy

from google.protobuf import text_format

from prerequis.v1 import rule_review_pb2 as wire
from prerequis.v1.context_pb2 import SiteContext
from prerequis.v1.register_pb2 import Profile
from prerequis_collector.errors import NotFound
from prerequis_rules.cases import run_case
from prerequis_rules.explain import variables
from prerequis_rules.model import Case, Rule
from prerequis_rules.pack import Pack


def rule_list(pack: Pack) -> wire.ListRulesResponse:
    """Return every rule in one line, in the order of their ids."""
    mapped = _mapped(pack)
    return wire.ListRulesResponse(
        pack_digest=pack.digest, rules=[_line(rule, mapped.get(rule.id, [])) for rule in pack.rules.values()]
    )


def explain_rule(pack: Pack, identifier: str, profile: Profile) -> wire.ExplainRuleResponse:
    """Return a rule in full, by its id or one that it had before; raises NotFound."""
    rule = pack.rules.get(pack.current(identifier))
    if rule is None:
        raise NotFound(f"Aucune règle ne s'appelle « {identifier} ».")
    return wire.ExplainRuleResponse(
        rule=_line(rule, _mapped(pack).get(rule.id, [])),
        aliases=rule.aliases,
        applies=rule.applies or "",
        met=rule.met,
        expected=rule.expected or "",
        remedy=rule.remedy,
        source_document=rule.source.document,
        source_title=pack.document(rule.source),
        source_quote=rule.source.quote,
        variables=[wire.RuleVariable(**one._asdict()) for one in variables(pack, rule, profile)],
        cases=[_case(pack, rule, case) for case in rule.cases],
        needs=[
            wire.RuleNeed(item=need.item, name=pack.catalogue[need.item].name, quantity=need.quantity)
            for need in rule.needs
        ],
        profile=profile.name or profile.id,
    )


def _line(rule: Rule, requirements: list[wire.MappedRequirement]) -> wire.RuleLine:
    return wire.RuleLine(
        id=rule.id, title=rule.title, family=rule.family, scope=rule.scope, level=rule.level, requirements=requirements
    )


def _mapped(pack: Pack) -> dict[str, list[wire.MappedRequirement]]:
    """Return, by rule id, the requirements that name it."""
    mapped: dict[str, list[wire.MappedRequirement]] = {}
    for framework in pack.frameworks.values():
        for requirement in framework.requirements:
            for rule in requirement.rules:
                mapped.setdefault(rule, []).append(
                    wire.MappedRequirement(
                        framework=framework.id,
                        framework_title=framework.title,
                        id=requirement.id,
                        title=requirement.title,
                    )
                )
    return mapped


def _case(pack: Pack, rule: Rule, case: Case) -> wire.RuleCase:
    return wire.RuleCase(name=case.name, verdict=run_case(pack, rule, case).verdict, given=" ; ".join(_given(case)))


def _given(case: Case) -> Iterator[str]:
    """Yield what a case knows, without the day of judgement and the profile's own values."""
    context = deepcopy(case.context)
    context.ClearField("now")
    if isinstance(context, SiteContext):
        for answer in context.answers.values():
            answer.ClearField("answered_at")
    text = text_format.MessageToString(context, as_one_line=True, as_utf8=True)
    if text:
        yield text
    for rule, count in case.counts.items():
        unseen = ", parc inconnu" if count.unbounded else ""
        yield f"{rule} : {count.passed} conformes, {count.failed} non conformes, {count.unknown} inconnus{unseen}"
