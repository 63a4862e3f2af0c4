"""The rules, as printed: a list by family, or one with all that it rests on."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TextIO

from rich.padding import Padding
from rich.text import Text

from prerequis.v1 import rule_review_pb2
from prerequis_tui import printed, wording
from prerequis_tui.wording import Tone, Verdict

_SCOPE = {"workstation": "poste", "site": "site"}


def print_rules(rules: Sequence[rule_review_pb2.RuleLine], out: TextIO) -> None:
    """Write one line per rule, family by family."""
    with printed.page(out) as console:
        for family, members in groupby(sorted(rules, key=lambda one: (one.family, one.id)), key=lambda one: one.family):
            console.print(printed.styled(family, Tone.STRONG))
            for rule in members:
                mapped = " ".join(f"{one.framework}:{one.id}" for one in rule.requirements)
                said = f"{rule.title} ({wording.LEVEL[rule.level]}, {_SCOPE[rule.scope]})"
                console.print(Padding(Text.assemble((rule.id, "bold"), f"  {said}"), (0, 0, 0, 2)))
                if mapped:
                    console.print(Padding(printed.styled(mapped, Tone.MUTED), (0, 0, 0, 4)))
        console.print(wording.count(len(rules), "règle"))
        if rules:
            console.print("Comprendre une règle : prerequis rules explain RÈGLE")


def print_rule(rule: rule_review_pb2.ExplainRuleResponse, out: TextIO, *, everything: bool) -> None:
    """Write a rule: what it asks and where it comes from; with everything, also how it decides."""
    with printed.page(out) as console:
        console.print(Text.assemble((rule.rule.title, "bold"), f"\n{rule.rule.id}"))
        for heading, lines in _parts(rule, everything=everything):
            console.print(printed.styled(heading, Tone.STRONG))
            for line in lines:
                console.print(Padding(line, (0, 0, 0, 2)))


def _parts(rule: rule_review_pb2.ExplainRuleResponse, *, everything: bool) -> Iterator[tuple[str, list[Text]]]:
    line = rule.rule
    what = f"Niveau {wording.LEVEL[line.level]}, jugée par {_SCOPE[line.scope]}, famille {line.family}"
    yield "Règle", [Text(what), *(Text(f"S'appelait : {alias}") for alias in rule.aliases)]
    if everything:
        yield from _condition(rule)
    yield "À faire quand elle n'est pas suivie", [Text(rule.remedy)]
    if rule.needs:
        yield "À commander", [Text(f"{one.name} : {one.quantity}") for one in rule.needs]
    yield "Source", [Text(rule.source_title), Text(f"« {rule.source_quote} »", "italic")]
    mapped = [Text(f"{one.framework_title} {one.id} : {one.title}") for one in line.requirements]
    yield "Exigences servies", mapped or [Text("aucune")]
    if everything:
        yield "Exemples", [_case(one) for one in rule.cases]


def _condition(rule: rule_review_pb2.ExplainRuleResponse) -> Iterator[tuple[str, list[Text]]]:
    if rule.applies:
        yield "S'applique quand", [Text(rule.applies)]
    yield "Suivie quand", [Text(rule.met)]
    if rule.expected:
        yield "Attendu, en texte", [Text(rule.expected)]
    if rule.variables:
        yield "Ce qu'elle lit", [_variable(one, rule.profile) for one in rule.variables]


def _variable(variable: rule_review_pb2.RuleVariable, profile: str) -> Text:
    value = f" = {variable.value} ({profile})" if variable.value else ""
    return Text.assemble((variable.name, "bold"), f" : {variable.meaning}{value}")


def _case(case: rule_review_pb2.RuleCase) -> Text:
    word = printed.worded(wording.VERDICT[Verdict.Value(case.verdict)])
    return Text.assemble(word, f"  {case.name}\n", printed.styled(f"    {case.given or 'rien de connu'}", Tone.MUTED))
