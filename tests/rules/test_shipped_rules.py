"""The shipped rules: their cases notice a changed condition, and what is forgotten can only become unknown."""

import re
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace

import pytest
from google.protobuf.message import Message
from tests.rules.shipped import PACK

from prerequis_rules.cases import run_case
from prerequis_rules.expressions import ExpressionError, Program, compile_expression
from prerequis_rules.model import Rule, Scope, Verdict
from prerequis_rules.pack import Pack, Programs

# What is written, and what a slip of the pen would make of it.
SLIPS = (
    (">=", ">"), (">=", "<"), ("<=", "<"), ("<=", ">"), ("> 0", ">= 0"), ("> 0", "> 1"),
    ("== ", "!= "), ("!= ", "== "), ("== 0", "== 1"), ("&&", "||"), ("||", "&&"), ("true", "false"), ("false", "true"),
    (".all(", ".exists("), (".exists(", ".all("), ("* 8", "* 7"), ("* 7", "* 8"), ("744h", "745h"), ("744h", "743h"),
    ("SERVER_CERTIFICATE", "MIXED"), ("Insi.CARD", "Insi.MIXED"), ("ceil_div(", "math.least("), (".passed", ".total"),
    ("bits_per_second_per_user", "rtt_seconds"), ("1488h", "1489h"), ("1488h", "1487h"),
)  # fmt: skip


def mutants(rule: Rule, programs: Programs) -> Iterator[tuple[str, Programs]]:
    for text, program in slipped(rule.met, rule.scope):
        yield f"met: {text}", replace(programs, met=program)
    for text, program in slipped(rule.applies, rule.scope) if rule.applies else ():
        yield f"applies: {text}", replace(programs, applies=program)


def slipped(condition: str, scope: Scope) -> Iterator[tuple[str, Program[bool]]]:
    texts = ["true", "false"]
    for written, slip in SLIPS:
        found = re.finditer(re.escape(written), condition)
        texts += [condition[: one.start()] + slip + condition[one.end() :] for one in found]
    for text in texts:
        with suppress(ExpressionError):
            yield text, compile_expression(text, scope, bool)


def holds(pack: Pack, rule: Rule) -> bool:
    return all(run_case(pack, rule, case).verdict is case.verdict for case in rule.cases)


@pytest.mark.parametrize("rule", PACK.rules.values(), ids=lambda rule: rule.id)
def test_a_changed_condition_breaks_a_case(rule: Rule) -> None:
    changed = list(mutants(rule, PACK.programs[rule.id]))
    survivors = [
        text for text, programs in changed if holds(replace(PACK, programs={**PACK.programs, rule.id: programs}), rule)
    ]
    assert len(changed) >= 2
    assert survivors == []


def places(message: Message) -> Iterator[tuple[Message, str]]:
    """Every field that is set, as the message that holds it and the field's name."""
    for field, value in message.ListFields():
        if field.message_type is None or field.message_type.full_name == "google.protobuf.Timestamp":
            if not field.is_repeated:
                yield message, field.name
        elif field.message_type.GetOptions().map_entry:
            for one in value.values():
                yield from places(one)
        elif field.is_repeated:
            for one in value:
                yield from places(one)
        else:
            yield message, field.name
            yield from places(value)


@pytest.mark.parametrize("rule", PACK.rules.values(), ids=lambda rule: rule.id)
def test_what_is_forgotten_can_only_become_unknown(rule: Rule) -> None:
    for case in rule.cases:
        known = run_case(PACK, rule, case).verdict
        for number in range(len(list(places(case.context)))):
            context = deepcopy(case.context)
            holder, name = list(places(context))[number]
            # The default profile takes the place of a forgotten one.
            if holder.DESCRIPTOR.name in {"Profile", "AllowedSystem"} or name in {"profile", "now"}:
                continue
            holder.ClearField(name)
            given = run_case(PACK, rule, replace(case, context=context)).verdict
            assert given in {known, Verdict.UNKNOWN}, (case.name, holder.DESCRIPTOR.name, name)
