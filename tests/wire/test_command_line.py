"""The manners that the three commands share."""

import argparse
import os
import subprocess
import sys

import pytest

from prerequis.command_line import CommandLine, ExitCode, quiet_when_unread


def a_command() -> CommandLine:
    parser = CommandLine(prog="essai")
    commands = parser.add_subparsers(dest="command", required=True, metavar="commande")
    scan = commands.add_parser("scan")
    scan.add_argument("--only", choices=["machine", "line"])
    scan.add_argument("--count", type=int)
    scan.add_argument("--json", action="store_true")
    either = scan.add_mutually_exclusive_group()
    either.add_argument("--fast", action="store_true")
    either.add_argument("--slow", action="store_true")
    return parser


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "il manque : commande"),
        (["dance"], "'dance' n'est pas possible"),
        (["scan", "--only", "x"], "--only : 'x' n'est pas possible ; choisir parmi"),
        (["scan", "--count", "x"], "--count : 'x' n'est pas un nombre entier"),
        (["scan", "--count"], "--count : il manque la valeur"),
        (["scan", "--nothing"], "argument inconnu : --nothing"),
        (["scan", "--js"], "argument inconnu : --js"),
        (["scan", "--json=1"], "--json ne prend pas de valeur"),
        (["scan", "--fast", "--slow"], "--slow ne va pas avec --fast"),
    ],
)
def test_wrong_usage_is_one_french_sentence_and_exit_code_2(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        a_command().parse_args(arguments)
    shown = capsys.readouterr()
    assert ended.value.code == ExitCode.WRONG_INPUT
    assert sentence in shown.err
    assert shown.out == ""


def test_help_is_in_french(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        a_command().parse_args(["scan", "--help"])
    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert shown.startswith("usage : essai scan")
    assert "montre cette aide" in shown
    assert "show this help" not in shown


def test_an_error_that_argparse_does_not_make_is_left_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        a_command().error("Le ticket est expiré.")
    assert "Le ticket est expiré." in capsys.readouterr().err


def test_the_parser_is_an_ordinary_argument_parser() -> None:
    assert isinstance(a_command(), argparse.ArgumentParser)
    assert a_command().parse_args(["scan", "--count", "3"]).count == 3


def unread(*arguments: str) -> tuple[int, str]:
    """Return the exit code and stderr of a Python process whose stdout nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ended = subprocess.run(
            [sys.executable, *arguments], stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60, check=False
        )
    finally:
        os.close(writer)
    return ended.returncode, ended.stderr


@pytest.mark.parametrize("command", ["prerequis_agent", "prerequis_collector", "prerequis_tui"])
def test_no_command_complains_when_nobody_reads_what_it_says(command: str) -> None:
    assert unread("-m", command, "--help") == (ExitCode.DONE, "")


@pytest.mark.parametrize("command", ["prerequis_agent", "prerequis_collector", "prerequis_tui"])
def test_a_console_without_accents_ends_no_command(command: str) -> None:
    latin = {**os.environ, "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii:strict"}
    ended = subprocess.run(
        [sys.executable, "-m", command, "--help"], capture_output=True, timeout=60, check=False, env=latin
    )
    assert (ended.returncode, ended.stderr) == (ExitCode.DONE, b"")
    assert ended.stdout.decode("utf-8").startswith("usage : ")


@pytest.mark.parametrize("many", [1, 10_000_000])
def test_a_command_ends_quietly_however_much_it_had_to_say(many: int) -> None:
    source = (
        "import sys; from prerequis.command_line import quiet_when_unread as quiet;"
        f"sys.exit(quiet(lambda: sys.stdout.write('x' * {many}))())"
    )
    assert unread("-c", source) == (ExitCode.DONE, "")


def test_a_pipe_that_breaks_elsewhere_is_not_passed_over(capfd: pytest.CaptureFixture[str]) -> None:
    @quiet_when_unread
    def main() -> int:
        reader, writer = os.pipe()
        os.close(reader)
        try:
            return os.write(writer, b"x")
        finally:
            os.close(writer)

    with pytest.raises(BrokenPipeError):
        main()


def test_a_command_is_told_of_in_a_sentence_that_keeps_its_capitals(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        CommandLine(prog="essai", description="écoute le VLAN et la clé USB").parse_args(["--help"])
    shown = capsys.readouterr().out
    assert "\nÉcoute le VLAN et la clé USB.\n" in shown
    assert "\noptions :\n" in shown


def test_an_unknown_argument_of_a_command_is_told_with_the_help_of_that_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        a_command().parse_args(["scan", "--nothing", "2"])
    assert capsys.readouterr().err == "essai scan : argument inconnu : --nothing 2\nVoir : essai scan --help\n"


def test_an_option_of_the_program_may_follow_its_commands(capsys: pytest.CaptureFixture[str]) -> None:
    parser = a_command()
    parser.add_everywhere("--state", help="le dossier (défaut : %(default)s)", default="/var/100%")
    assert parser.parse_args(["scan"]).state == "/var/100%"
    assert parser.parse_args(["--state", "a", "scan"]).state == "a"
    assert parser.parse_args(["--state", "a", "scan", "--state", "b"]).state == "b"
    with pytest.raises(SystemExit):
        parser.parse_args(["scan", "--help"])
    assert "le dossier (défaut : /var/100%)" in capsys.readouterr().out
