"""Every command that a page, a rule or a sentence of the programs tells somebody to type is one that exists."""

import argparse
import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from prerequis_agent.__main__ import parser as agent
from prerequis_collector.__main__ import command_line as collector
from prerequis_collector.commands import commands
from prerequis_tui.__main__ import command_line as operator
from prerequis_tui.__main__ import found_commands

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("agent", "collector", "rules", "tui", "proto")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md")])
PAGES += sorted(path for room in ROOMS for path in (ROOT / room).glob("*.md"))
SENTENCES = sorted(
    path for room in ROOMS for end in ("*.py", "*.toml") for path in (ROOT / room).rglob(end) if "_pb2" not in path.name
)
PARSERS = {
    "prerequis-agent": agent(),
    "prerequis-collector": collector(commands()),
    "prerequis": operator(found_commands()),
}

_IN_A_BLOCK = re.compile(r"^(?: {4}|\t)(?:sudo )?(prerequis(?:-agent|-collector)? [^\n]*)", re.MULTILINE)
_IN_A_LINE = re.compile(r"`(?:sudo )?(prerequis(?:-agent|-collector)? [^`\n]+)`")
_SAID = re.compile(r"« (prerequis(?:-agent|-collector)? [^»\n]+?) »")


def named(path: Path) -> Iterator[str]:
    """Yield the commands that a text names."""
    text = path.read_text(encoding="utf-8")
    patterns = (_IN_A_BLOCK, _IN_A_LINE, _SAID) if path.suffix == ".md" else (_SAID,)
    for pattern in patterns:
        yield from (found.group(1) for found in pattern.finditer(text))


def wrong(command: str) -> str:
    """Return what of a command does not exist, empty when all does; words that stand for others are passed over."""
    program, *words = shlex.split(command, comments=True)
    parser: argparse.ArgumentParser = PARSERS[program]
    options = set(parser._option_string_actions)
    for word in words:
        actions = _actions(parser)
        if word.startswith("--"):
            if word.partition("=")[0] not in options:
                return word
        elif actions and re.fullmatch(r"[a-z-]+", word):
            if word not in actions:
                return word
            parser = actions[word]
            options |= set(parser._option_string_actions)
    return ""


def _actions(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


@pytest.mark.parametrize("paths", [PAGES, SENTENCES], ids=["pages", "sentences"])
def test_every_command_that_is_told_exists(paths: Sequence[Path]) -> None:
    told = [(path.relative_to(ROOT), command) for path in paths for command in named(path)]
    assert len(told) > 15
    assert [(str(path), command) for path, command in told if wrong(command)] == []


@pytest.mark.parametrize(
    "command",
    ["prerequis dance", "prerequis-agent scan --dance", "prerequis-collector site dance 1", "prerequis --all"],
)
def test_a_command_that_does_not_exist_is_seen(command: str) -> None:
    assert wrong(command)
