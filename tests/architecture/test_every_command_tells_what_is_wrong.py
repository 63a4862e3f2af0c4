"""Whoever mistypes any command of any program reads one French sentence, and a script sees exit code 2."""

import argparse
from collections.abc import Iterator
from pathlib import Path

import pytest

from prerequis.command_line import CommandLine, ExitCode
from prerequis_agent.__main__ import parser as agent
from prerequis_collector.__main__ import command_line as collector
from prerequis_collector.commands import commands
from prerequis_tui.__main__ import command_line as operator
from prerequis_tui.__main__ import found_commands

PROGRAMS = (agent(), collector(commands()), operator(found_commands()))
NOT_FRENCH = (
    "argument -",
    "usage:",
    "required",
    "invalid",
    "expected",
    "unrecognized",
    "choose",
    "show this",
    "SUPPRESS",
)


def below(parser: CommandLine, *words: str) -> Iterator[tuple[CommandLine, tuple[str, ...], CommandLine]]:
    """Yield each command that does something: its program, the words to type after it, its own parser."""
    for name, one in parser.subcommands.items():
        if one.subcommands:
            yield from ((parser, found, last) for _, found, last in below(one, *words, name))
        else:
            yield parser, (*words, name), one


EVERY = [found for program in PROGRAMS for found in below(program)]
each_command = pytest.mark.parametrize(
    ("program", "words", "own"), EVERY, ids=[" ".join((program.prog, *words)) for program, words, _ in EVERY]
)


def said(program: CommandLine, words: tuple[str, ...], shown: pytest.CaptureFixture[str]) -> str:
    """Return what a command says of wrong usage, which is in French and the only thing that it says."""
    with pytest.raises(SystemExit) as ended:
        program.parse_args(words)
    told = shown.readouterr()
    assert (ended.value.code, told.out) == (ExitCode.WRONG_INPUT, "")
    assert [one for one in NOT_FRENCH if one in told.err] == []
    return told.err


def test_the_commands_are_found() -> None:
    assert {program.prog for program, _, _ in EVERY} == {"prerequis", "prerequis-agent", "prerequis-collector"}
    assert len(EVERY) > 40


@each_command
def test_a_wrong_option_is_told_with_the_help_to_read(
    program: CommandLine, words: tuple[str, ...], own: CommandLine, capsys: pytest.CaptureFixture[str]
) -> None:
    told = said(program, (*words, "--rien-de-tel"), capsys)
    assert told.startswith(f"{own.prog} : ")
    assert told.endswith(f"\nVoir : {own.prog} --help\n")
    assert "argument inconnu : --rien-de-tel" in told or "il manque : " in told


@each_command
def test_a_wrong_value_is_told_with_its_option(
    program: CommandLine, words: tuple[str, ...], own: CommandLine, capsys: pytest.CaptureFixture[str]
) -> None:
    checked = [one for one in own._actions if one.option_strings and (one.choices or one.type not in (None, Path))]
    for one in checked:
        told = said(program, (*words, one.option_strings[0], "pas cela !"), capsys)
        assert told.startswith(f"{own.prog} : {one.option_strings[0]} : 'pas cela !' n'est pas "), told


@each_command
def test_the_help_is_in_french(
    program: CommandLine, words: tuple[str, ...], own: CommandLine, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        program.parse_args((*words, "--help"))
    told = capsys.readouterr().out
    assert ended.value.code == ExitCode.DONE
    assert told.startswith(f"usage : {own.prog} ")
    assert [one for one in NOT_FRENCH if one in told] == []


@pytest.mark.parametrize("program", PROGRAMS, ids=[one.prog for one in PROGRAMS])
def test_what_is_of_the_program_may_also_be_written_after_the_command(program: CommandLine) -> None:
    (option,) = {one.option_strings[0] for one in program._actions if one.type is Path}
    words = next(words for one, words, own in EVERY if one is program and not required(own))
    name = option.removeprefix("--")
    before, after = (program.parse_args(one) for one in ((option, "x", *words), (*words, option, "x")))
    assert getattr(before, name) == getattr(after, name) == Path("x")


def required(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """Return what a command cannot do without."""
    return [one for one in parser._actions if one.required]
