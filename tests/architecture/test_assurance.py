"""The page of assurance names tests; they are there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "assurance.md"
_NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
_ROWS = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]


@cache
def _tests(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize(("path", "name"), sorted(set(_NAMED.findall(PAGE.read_text(encoding="utf-8")))))
def test_a_test_that_the_page_names_exists(path: str, name: str) -> None:
    assert name.startswith("test_")
    assert name in _tests(path)


def test_every_defence_names_its_test() -> None:
    start = next(number for number, row in enumerate(_ROWS) if row.startswith("| they try |"))
    rows = [row for row in _ROWS[start:] if not re.match(r"\| (they try|what happens|entry) \|", row)]
    assert len(rows) > 40
    assert [row for row in rows if not _NAMED.search(row)] == []
