"""Typed at load, three-valued at judgement."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerequis.v1.facts_pb2 import Endpoint, Facts, Reader, Smartcard
from prerequis_rules.context import known
from prerequis_rules.expressions import ExpressionError, Issue, activate, ceil_div, compile_expression
from prerequis_rules.messages import moment
from prerequis_rules.model import Scope

FACTS = Facts()
FACTS.machine.memory_bytes = 8 * 2**30
FACTS.smartcard.CopyFrom(Smartcard(service=Smartcard.RUNNING, readers=[Reader(seen_by_pcsc=True), Reader()]))
FACTS.services.endpoints.append(Endpoint(reachable=True, connect_seconds=0.0349))
FACTS.system.updated_at.FromDatetime(datetime(2026, 11, 2, 12, tzinfo=UTC))
FACTS.line.down_bits_per_second = 19_960_000.0
NOW = datetime(2026, 11, 22, tzinfo=UTC)
ACTIVATION = activate({"facts": known(FACTS), "now": moment(NOW), "workstation": {}})

THREE_VALUED = [
    ("facts.smartcard.service == Smartcard.Service.RUNNING", True),
    ("facts.smartcard.service == Smartcard.Service.STOPPED", False),
    ("facts.machine.cores > 1", None),
    ("facts.machine.cores > 1 || facts.machine.memory_bytes > 1", True),
    ("facts.machine.cores > 1 && facts.machine.memory_bytes < 1", False),
    ("facts.machine.cores > 1 && facts.machine.memory_bytes > 1", None),
    ("!(facts.machine.cores > 1)", None),
    ("facts.smartcard.readers.exists(r, r.seen_by_pcsc)", True),
    ("facts.smartcard.readers.exists(r, r.card_present)", None),
    ("facts.smartcard.readers.all(r, r.seen_by_pcsc)", None),
    ("facts.smartcard.readers.all(r, !r.seen_by_pcsc)", False),
    ("facts.firewall.active", None),
    ("has(facts.firewall)", False),
    ("workstation.role == 'care'", None),
    ("now - duration('720h') < facts.system.updated_at", True),
    ("facts.system.booted_at < now", None),
    ("facts.machine.memory_bytes / 0 > 1", None),
]


@pytest.mark.parametrize(("text", "expected"), THREE_VALUED)
def test_what_is_not_known_is_neither_true_nor_false(text: str, expected: bool | None) -> None:
    assert compile_expression(text, Scope.WORKSTATION, bool).evaluate(ACTIVATION) is expected


TEXTS = [
    ("gigabytes(facts.machine.memory_bytes)", "8,0 Go"),
    ("megabits(facts.line.down_bits_per_second)", "20,0 Mbit/s"),
    ("megabits(20000000)", "20,0 Mbit/s"),
    ("milliseconds(facts.services.endpoints[0].connect_seconds)", "35 ms"),
    ("date(facts.system.updated_at)", "02/11/2026"),
    ("date(now)", "22/11/2026"),
    ("['é', 'à'].join(', ')", "é, à"),
    ("string(facts.smartcard.readers.size()) + ' lecteur(s)'", "2 lecteur(s)"),
    ("counted(facts.smartcard.readers.size(), 'lecteur(s) branché(s)')", "2 lecteurs branchés"),
    ("counted(1, 'lecteur(s) branché(s)')", "1 lecteur branché"),
    ("counted(0, 'réseau(x)')", "0 réseau"),
    ("counted(3, 'compte(s) loca(l|ux)')", "3 comptes locaux"),
    ("counted(1, 'compte(s) loca(l|ux)')", "1 compte local"),
    ("string(math.greatest(1, 3))", "3"),
    ("cel.bind(n, ceil_div(7, 3), string(n) + '/' + string(n))", "3/3"),
    ("date(facts.system.booted_at)", None),
    ("gigabytes(facts.machine.system_volume_bytes)", None),
]


@pytest.mark.parametrize(("text", "expected"), TEXTS)
def test_texts_are_french_and_missing_when_what_they_tell_is_not_known(text: str, expected: str | None) -> None:
    assert compile_expression(text, Scope.WORKSTATION, str).evaluate(ACTIVATION) == expected


@pytest.mark.parametrize(
    ("version", "minimum", "enough"),
    [
        ("5.2", "5.2", True), ("5.10.1", "5.9", True), ("5.2", "5.2.0", True), ("5", "5.0", True), ("4.99", "5", False),
        ("5.2.1", "5.2.2", False), ("0", "0", True), ("16.0.4185.3", "16", True), ("", "5", None),
        ("inconnu", "5", None), ("5", "", None), ("5", "5.x", None),
    ],
)  # fmt: skip
def test_versions_are_compared_number_by_number(version: str, minimum: str, enough: bool | None) -> None:
    program = compile_expression(f"at_least('{version}', '{minimum}')", Scope.SITE, bool)
    assert program.evaluate(activate({})) is enough


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1))
def test_ceil_div_rounds_up_or_is_not_known(dividend: int, divisor: int) -> None:
    program = compile_expression(f"ceil_div({dividend}, {divisor})", Scope.SITE, int)
    quotient = program.evaluate(activate({}))
    if divisor < 1:
        assert quotient is None
    else:
        assert quotient == ceil_div(dividend, divisor)
        assert 0 <= quotient * divisor - dividend < divisor


def test_every_fault_of_an_expression_is_told_with_line_and_column() -> None:
    with pytest.raises(ExpressionError) as raised:
        compile_expression("facts.machine.nme > 1 ||\n  facts.x.y == wizard", Scope.WORKSTATION, bool)
    assert raised.value.issues == (
        Issue(1, 14, "undefined field 'nme' not found in struct 'prerequis.v1.Machine'"),
        Issue(2, 8, "undefined field 'x' not found in struct 'prerequis.v1.Facts'"),
        Issue(2, 16, "undeclared reference to 'wizard' (in container 'prerequis.v1')"),
    )


@pytest.mark.parametrize("text", ["facts.machine.cores == 1", "tally['x'].passed > 0"])
def test_a_condition_speaks_only_of_its_scope(text: str) -> None:
    scope, other = (Scope.WORKSTATION, Scope.SITE) if text.startswith("facts") else (Scope.SITE, Scope.WORKSTATION)
    compile_expression(text, scope, bool)
    with pytest.raises(ExpressionError, match="undeclared reference"):
        compile_expression(text, other, bool)


def test_what_may_be_of_any_type_is_refused() -> None:
    with pytest.raises(ExpressionError, match="l'expression donne DYN, il faut BOOL"):
        compile_expression("dyn(true)", Scope.SITE, bool)


@given(st.text(max_size=30))
def test_any_text_compiles_or_is_refused_with_a_place(text: str) -> None:
    try:
        compile_expression(text, Scope.WORKSTATION, bool)
    except ExpressionError as error:
        assert all(issue.line >= 1 and issue.column >= 1 and issue.message for issue in error.issues)
