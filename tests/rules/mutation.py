"""How many small faults of the conditions the rules' own cases notice: `python -m tests.rules.mutation [RULE…]`.

Each comparison is turned and moved by one, each clause dropped, each negation taken away, each constant changed, in
`applies` and `met`. A mutant that does not compile is none; one is caught when a case gives another verdict or need.
"""

import os
import re
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing import get_context

from prerequis_rules.cases import case_ends
from prerequis_rules.ends import Ends, apply
from prerequis_rules.expressions import ExpressionError, compile_expression
from prerequis_rules.load import load_pack
from prerequis_rules.model import Case, Rule
from prerequis_rules.pack import Pack, Programs

# Strings come first, so that nothing else is looked for inside them.
_TOKEN = re.compile(
    r"""(?P<string>r?'(?:\\.|[^'\\])*'|r?"(?:\\.|[^"\\])*")|(?P<number>(?<![\w.])\d+(?:\.\d+)?\b)"""
    r"""|(?P<compare><=|>=|==|!=|<|>)|(?P<logic>&&|\|\|)|(?P<not>!)|(?P<word>\b(?:true|false)\b)"""
    r"""|(?P<macro>\.(?:all|exists|exists_one)\()|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<other>[?:,])"""
)
_TURNED = {"<=": ("<", ">"), ">=": (">", "<"), "<": ("<=", ">="), ">": (">=", "<="), "==": ("!=",), "!=": ("==",)}
_OTHER = {"true": "false", "false": "true", ".all(": ".exists(", ".exists(": ".all(", ".exists_one(": ".exists("}
_DURATION = re.compile(r"(['\"])(\d+)([hms])\1")


@dataclass(frozen=True)
class Tested:
    """What became of one rule's mutants."""

    rule: str
    mutants: int
    survivors: tuple[str, ...]


def mutants(condition: str) -> Iterator[str]:
    """Yield every small fault of a condition, once."""
    tokens = list(_TOKEN.finditer(condition))
    seen = {condition}
    for change in (*_changed(condition, tokens), *_dropped(condition, tokens), f"!({condition})"):
        if change not in seen:
            seen.add(change)
            yield change


def _changed(condition: str, tokens: Iterable[re.Match[str]]) -> Iterator[str]:
    for token in tokens:
        for other in _others(token):
            yield condition[: token.start()] + other + condition[token.end() :]


def _others(token: re.Match[str]) -> Iterable[str]:
    text = token[0]
    match token.lastgroup:
        case "compare":
            return _TURNED[text]
        case "logic":
            return ("||" if text == "&&" else "&&",)
        case "not":
            return ("",)
        case "word" | "macro":
            return (_OTHER[text],)
        case "number":
            return (
                (f"{float(text) * 1.01}", f"{float(text) * 0.99}")
                if "." in text
                else (f"{int(text) + 1}", f"{int(text) - 1}")
            )
        case "string":
            duration = _DURATION.fullmatch(text)
            if duration:
                return tuple(f"'{int(duration[2]) + step}{duration[3]}'" for step in (1, -1))
            return (f"{text[:-1]}~{text[-1]}",)
    return ()


def _dropped(condition: str, tokens: list[re.Match[str]]) -> Iterator[str]:
    """Yield the condition without each clause of each chain of && and of ||."""
    for place, token in enumerate(tokens):
        if token.lastgroup == "logic":
            start = _edge(condition, token[0], reversed(tokens[:place]), 0)
            end = _edge(condition, token[0], tokens[place + 1 :], len(condition))
            yield condition[: token.start()] + condition[end:]
            yield condition[:start] + condition[token.end() :]


def _edge(condition: str, operator: str, tokens: Iterable[re.Match[str]], outermost: int) -> int:
    """Return where the operand next to an operator ends, on the side on which the tokens follow each other."""
    depth = 0
    for token in tokens:
        inwards = ("open", "macro") if outermost else ("close",)
        if token.lastgroup in inwards:
            depth += 1
        elif token.lastgroup in ("open", "macro", "close"):
            depth -= 1
        ends = token.lastgroup == "other" or (token.lastgroup == "logic" and (operator == "&&" or token[0] == "||"))
        if depth < 0 or (depth == 0 and ends):
            return token.start() if outermost else token.end()
    return outermost


def mutated(pack: Pack, rule: Rule) -> Tested:
    """Return what becomes of a rule's mutants."""
    programs = pack.programs[rule.id]
    cases = [(case, case_ends(pack, case)) for case in rule.cases]
    survivors, many = [], 0
    for part, text in (("applies", rule.applies), ("met", rule.met)):
        for mutant in mutants(text) if text else ():
            with suppress(ExpressionError):
                compiled = compile_expression(mutant, rule.scope, bool)
                changed = replace(programs, applies=compiled) if part == "applies" else replace(programs, met=compiled)
                many += 1
                if all(as_said(changed, case, ends) for case, ends in cases):
                    survivors.append(f"{part}: {mutant}")
    return Tested(rule.id, many, tuple(survivors))


def as_said(programs: Programs, case: Case, ends: Ends) -> bool:
    """Return whether a case gives what it says."""
    outcome = apply(programs, ends)
    return outcome.verdict is case.verdict and all(
        outcome.needs.get(item, (0, 0)) == expected for item, expected in case.needs.items()
    )


def _test_share(share: tuple[int, int, tuple[str, ...]]) -> list[Tested]:
    first, step, only = share
    pack = load_pack()
    rules = [rule for rule in pack.rules.values() if not only or rule.id in only]
    return [mutated(pack, rule) for rule in rules[first::step]]


def main(only: tuple[str, ...]) -> int:
    """Write the survivors by rule and the share that was caught; return 1 when that is under 95 %."""
    processes = os.cpu_count() or 1
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        shares = pool.map(_test_share, [(first, processes, only) for first in range(processes)])
        results = sorted((one for share in shares for one in share), key=lambda one: one.rule)
    for one in results:
        for survivor in one.survivors:
            sys.stdout.write(f"{one.rule}: {survivor}\n")
    many, left = sum(one.mutants for one in results), sum(len(one.survivors) for one in results)
    share = 100 * (many - left) / many if many else 0.0
    sys.stdout.write(f"{many} mutants of {len(results)} rules, {many - left} caught: {share:.1f} %\n")
    return 0 if share >= 95 else 1


if __name__ == "__main__":
    sys.exit(main(tuple(sys.argv[1:])))
