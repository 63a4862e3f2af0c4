"""One rule's file: the rule, its compiled expressions and its cases."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from prerequis.v1.context_pb2 import SiteContext, WorkstationContext
from prerequis_rules.cache import Cache
from prerequis_rules.expressions import ExpressionError, Program, Result, compile_expression
from prerequis_rules.messages import moment, read_message
from prerequis_rules.model import Case, Count, Level, Need, Rule, Scope, Source, Verdict
from prerequis_rules.pack import Programs
from prerequis_rules.reads import part, reads_of
from prerequis_rules.schema import Document, Table

_CASE_DAY = date(2026, 11, 22)
"""The day of judgement of a case that names none."""

_LOOKUP = re.compile(r"\b(answers|tally)\s*(?:\[\s*(['\"])(?P<quoted>.*?)\2\s*\]|\.(?P<bare>\w+)\b(?!\s*\())")


class _CaseVerdict(StrEnum):
    PASS = "pass"  # noqa: S105  (a verdict, no password)
    FAIL = "fail"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not-applicable"

    @property
    def verdict(self) -> Verdict:
        return Verdict[self.name]


@dataclass(frozen=True, slots=True)
class Known:
    """What a rule may name."""

    items: frozenset[str]
    questions: Mapping[str, tuple[str, ...]]
    """The choices of each question, by id."""
    workstation_rules: frozenset[str]
    cache: Cache


@dataclass(frozen=True, slots=True)
class RuleFile:
    """A rule as read; without programs when one of its expressions does not compile."""

    rule: Rule
    programs: Programs | None


def read_rule(document: Document, known: Known) -> RuleFile:
    """Return the rule of a document, and report whatever is wrong with it there."""
    root = document.root
    scope = root.choice("scope", Scope)
    expressions = _Expressions(root, scope, known)
    applies = expressions.compile("applies", bool) if root.has("applies") else None
    met = expressions.compile("met", bool)
    observed = expressions.compile("observed", str)
    expected = expressions.compile("expected", str) if root.has("expected") else None
    needs, quantities = _needs(root, scope, known)
    rule = Rule(
        id=root.text("id"),
        aliases=root.optional_texts("aliases"),
        title=root.text("title"),
        scope=scope,
        level=root.choice("level", Level),
        applies=root.optional_text("applies"),
        met=root.text("met"),
        observed=root.text("observed"),
        expected=root.optional_text("expected"),
        remedy=root.text("remedy"),
        source=read_source(root),
        needs=needs,
        cases=tuple(_case(table, scope, known, {need.item for need in needs}) for table in root.tables("cases")),
        family=document.file.split("/")[-2],
    )
    for verdict in (_CaseVerdict.PASS, _CaseVerdict.FAIL, _CaseVerdict.UNKNOWN):
        if all(case.verdict is not verdict.verdict for case in rule.cases):
            root.report("cases", f"il manque un cas « {verdict} »")
    root.flag("overrides")
    root.close()
    if met is None or observed is None or document.problems:
        return RuleFile(rule, None)
    reads = reads_of((rule.applies or "", rule.met, *(need.quantity for need in needs)))
    counts = any(variable == "tally" for variable, _ in reads)
    told = frozenset(map(part, reads_of((rule.observed,))))
    return RuleFile(rule, Programs(applies, met, observed, expected, quantities, reads, counts, told))


def read_source(root: Table) -> Source:
    """Return the source that a rule or question quotes."""
    table = root.table("source")
    source = Source(document=table.text("document"), quote=table.text("quote"))
    table.close()
    return source


def _needs(root: Table, scope: Scope, known: Known) -> tuple[tuple[Need, ...], Mapping[str, Program[int]]]:
    needs: list[Need] = []
    quantities: dict[str, Program[int]] = {}
    for table in root.tables("need"):
        need = Need(item=table.text("item"), quantity=table.text("quantity"))
        quantity = _Expressions(table, scope, known).compile("quantity", int)
        table.close()
        if need.item not in known.items:
            table.report("item", f"article inconnu « {need.item} »")
        elif need.item in quantities:
            table.report("item", f"article « {need.item} » demandé deux fois")
        if quantity is not None:
            quantities[need.item] = quantity
        needs.append(need)
    return tuple(needs), quantities


@dataclass(frozen=True, slots=True)
class _Expressions:
    """Compiles the expressions of a table and reports their faults where they stand in the file."""

    table: Table
    scope: Scope
    known: Known

    def compile(self, key: str, result: type[Result]) -> Program[Result] | None:
        text = self.table.text(key)
        if not text:
            return None
        self._check_lookups(key, text)
        try:
            return compile_expression(text, self.scope, result, self.known.cache.expressions)
        except ExpressionError as error:
            for issue in error.issues:
                self._report(key, issue.line, issue.column, issue.message)
            return None

    def _check_lookups(self, key: str, text: str) -> None:
        """Report a question or rule that is named by a literal and does not exist."""
        for found in _LOOKUP.finditer(text):
            group = "quoted" if found["quoted"] is not None else "bare"
            name = found[group]
            if found[1] == "answers" and name not in self.known.questions:
                message = f"question inconnue « {name} »"
            elif found[1] == "tally" and name not in self.known.workstation_rules:
                message = f"règle de poste inconnue « {name} »"
            else:
                continue
            before = text[: found.start(group)]
            self._report(key, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1, message)

    def _report(self, key: str, line: int, column: int, message: str) -> None:
        self.table.document.report_within((*self.table.path, key), line, column, message)


def _case(table: Table, scope: Scope, known: Known, items: set[str]) -> Case:
    context: WorkstationContext | SiteContext
    counts: dict[str, Count] = {}
    if scope is Scope.WORKSTATION:
        context = read_message(table, WorkstationContext(), besides=("name", "verdict", "needs"))
    else:
        context = read_message(table, SiteContext(), besides=("name", "verdict", "needs", "answers", "tally"))
        counts = _counts(table.optional_table("tally"), known)
        _read_answers(table.optional_table("answers"), known, context)
    if not context.HasField("now"):
        context.now.CopyFrom(moment(_CASE_DAY))
    for answer in context.answers.values() if isinstance(context, SiteContext) else ():
        if not answer.HasField("answered_at"):
            answer.answered_at.CopyFrom(context.now)
    name = table.text("name")
    verdict = table.choice("verdict", _CaseVerdict).verdict
    return Case(
        name,
        table.document.place(table.path),
        context,
        counts,
        verdict,
        _expected_needs(table.optional_table("needs"), items),
    )


def _counts(table: Table, known: Known) -> dict[str, Count]:
    counts: dict[str, Count] = {}
    for rule in table.data:
        if rule not in known.workstation_rules:
            table.report(rule, f"règle de poste inconnue « {rule} »")
        one = table.table(rule)
        counts[rule] = Count(
            passed=one.optional_integer("passed") or 0,
            failed=one.optional_integer("failed") or 0,
            unknown=one.optional_integer("unknown") or 0,
            unbounded=one.flag("unbounded"),
        )
        one.close()
    return counts


def _read_answers(table: Table, known: Known, context: SiteContext) -> None:
    for question, value in table.data.items():
        answer = context.answers[question]
        if isinstance(value, dict):
            read_message(table.table(question), answer)
        elif isinstance(value, str):
            answer.choice = value
        else:
            table.report(question, f"« {question} » doit être un texte ou une table")
        if question not in known.questions:
            table.report(question, f"question inconnue « {question} »")
        elif answer.HasField("choice") and answer.choice not in known.questions[question]:
            table.report(question, f"« {answer.choice} » n'est pas un choix de la question")


def _expected_needs(table: Table, items: set[str]) -> dict[str, tuple[int, int | None]]:
    needs: dict[str, tuple[int, int | None]] = {}
    for item, value in table.data.items():
        if item not in items:
            table.report(item, f"la règle ne demande pas d'article « {item} »")
        match value:
            case [int(certain), int(possible)]:
                needs[item] = (certain, possible)
            case [int(certain), "unbounded"]:
                needs[item] = (certain, None)
            case _:
                table.report(item, f'« {item} » doit être [certain, possible] ou [certain, "unbounded"]')
    return needs
