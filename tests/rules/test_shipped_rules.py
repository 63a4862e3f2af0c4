"""The shipped rules: their cases notice a changed condition."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import pytest
from tests.shipped import shipped_pack

from prerequis_rules.cases import case_ends
from prerequis_rules.ends import apply
from prerequis_rules.expressions import ExpressionError, Program, compile_expression
from prerequis_rules.model import Rule, Scope
from prerequis_rules.pack import Programs

PACK = shipped_pack()
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


@pytest.mark.parametrize("rule", PACK.rules.values(), ids=lambda rule: rule.id)
def test_a_changed_condition_breaks_a_case(rule: Rule) -> None:
    changed = list(mutants(rule, PACK.programs[rule.id]))
    cases = [(case, case_ends(PACK, case)) for case in rule.cases]
    survivors = [
        text for text, programs in changed if all(apply(programs, ends).verdict is case.verdict for case, ends in cases)
    ]
    assert len(changed) >= 2
    assert survivors == []
