"""Each trap that gives a false verdict has its proof: a case of a rule, or a test."""

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from prerequis.v1.facts_pb2 import Facts
from prerequis_rules.model import Rule
from prerequis_rules.pack import Pack

ROOT = Path(__file__).parents[2]
TRAPS: list[dict[str, Any]] = tomllib.loads((ROOT / "tests/rules/traps.toml").read_text("utf-8"))["trap"]

# What machines tell in words that no translation changes: ids of programs and services, EditionIDs, GUIDs, versions,
# addresses, algorithms, the reasons of Windows' appraiser; `name` only of sysctl settings.
NEUTRAL = {
    "id", "agents", "tools", "names", "edition", "subcategory", "version", "tls_version", "method", "hash_method",
    "addresses", "host", "purpose", "red_reasons", "name",
}  # fmt: skip


@cache
def functions_of(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return frozenset(one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))


def conditions(rule: Rule) -> str:
    return f"{rule.applies or ''}\n{rule.met}"


def test_every_trap_has_a_proof() -> None:
    assert [trap["id"] for trap in TRAPS] == [f"T{number}" for number in range(1, 20)]
    assert [trap["id"] for trap in TRAPS if not trap["says"] or not (trap.get("cases") or trap.get("tests"))] == []


@pytest.mark.parametrize("trap", TRAPS, ids=[trap["id"] for trap in TRAPS])
def test_what_a_trap_names_as_its_proof_is_there(shipped: Pack, trap: dict[str, Any]) -> None:
    cases = trap.get("cases", {})
    named = {rule: {case.name for case in shipped.rules[rule].cases} for rule in cases}
    assert {rule: name for rule, name in cases.items() if name not in named[rule]} == {}
    proofs = [proof.split("::") for proof in trap.get("tests", [])]
    assert [name for path, name in proofs if name not in functions_of(path)] == []


def words_of(message: Descriptor, seen: set[str]) -> Iterator[str]:
    """Yield the name of each field of text of a message and of those in it."""
    if message.full_name not in seen:
        seen.add(message.full_name)
        for field in message.fields:
            if field.message_type is not None:
                yield from words_of(field.message_type, seen)
            elif field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
                yield field.name


def test_no_condition_matches_on_translated_text(shipped: Pack) -> None:
    """Of the words that machines tell, conditions read those alone that are the same in every language."""
    texts = set(words_of(Facts.DESCRIPTOR, set()))
    # Messages and enumerations of the same name as a text of another message.
    others = ("facts.kernel", "facts.system.product", "endpoint.port", "host.port")
    for rule in shipped.rules.values():
        condition = re.sub("|".join(map(re.escape, others)), "", conditions(rule))
        read_texts = texts & set(re.findall(r"\.(\w+)\b(?!\()", condition))
        assert read_texts <= NEUTRAL, rule.id
        assert "name" not in read_texts or "facts.kernel.settings" in conditions(rule), rule.id


def test_a_number_of_a_benchmark_comes_with_its_version(shipped: Pack) -> None:
    cited = [rule.source.quote for rule in shipped.rules.values() if rule.source.document == "bonne-pratique"]
    numbered = [quote for quote in cited if quote.startswith(("CIS", "ANSSI-BP", "HardeningKitty", "NIST"))]
    assert len(numbered) >= 10
    assert [quote for quote in numbered if not re.search(r" v\d+\.\d+(\.\d+)?, |[ ,] ?[0-9a-f]{8}, ", quote)] == []


def test_no_rule_rests_on_a_text_that_may_not_be_copied(shipped: Pack) -> None:
    """Rules under the GPL are no source at all; of the CIS, a number is cited and no sentence."""
    sources = [rule.source for rule in shipped.rules.values()]
    assert [one for one in sources if re.search(r"wazuh|lynis", f"{one.document} {one.quote}", re.IGNORECASE)] == []
    cis = [one.quote for one in sources if one.quote.startswith("CIS")]
    assert [quote for quote in cis if not re.fullmatch(r"CIS [\w .]+ Benchmark v[\d.]+, [\d.]+", quote)] == []
