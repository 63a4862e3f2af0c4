"""`prerequis`: the terminal UI, and one headless command per file of prerequis_tui.commands."""

import argparse
import importlib
import pkgutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from prerequis.command_line import CommandLine, ExitCode, quiet_when_unread, speak_utf8
from prerequis_tui import commands
from prerequis_tui.commands import Command
from prerequis_tui.errors import EXIT_CODES, OperatorError, WrongInput


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        # Looking the version up costs 40 ms, which every other use of the command would pay.
        from importlib.metadata import version

        sys.stdout.write(f"{version('prerequis')}\n")
        raise SystemExit(ExitCode.DONE)


def found_commands() -> dict[str, Command]:
    """Return the headless commands by name, which is the name of their module."""
    return {
        module.name: importlib.import_module(f"{commands.__name__}.{module.name}")
        for module in pkgutil.iter_modules(commands.__path__)
    }


def command_line(known: dict[str, Command]) -> CommandLine:
    """Return the parser of the whole command line."""
    parser = CommandLine(
        prog="prerequis",
        description="Montre si les sites sont prêts pour le DUI, ce qui l'empêche et ce qu'il faut commander.\n"
        "Sans commande : ouvre l'interface du terminal.",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="montre la version")
    choices = parser.add_subparsers(dest="command", metavar="COMMANDE", title="commandes", parser_class=CommandLine)
    for name, command in known.items():
        command.add_arguments(choices.add_parser(name, help=command.HELP, description=command.HELP))
    parser.add_everywhere(
        "--credential",
        type=Path,
        metavar="FICHIER",
        help="fichier d'accès de l'opérateur (défaut : $PREREQUIS_CREDENTIAL)",
    )
    return parser


async def execute(command: Command | None, options: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    """Run a command, or the terminal UI without one; return the exit code and say on `err` what went wrong."""
    from prerequis_tui.client import Client
    from prerequis_tui.credential import find

    try:
        async with Client(find(options.credential)) as client:
            if command is not None:
                return await command.run(client, options, out)
            if not (sys.stdin.isatty() and sys.stdout.isatty()):
                raise WrongInput("l'écran demande un terminal ; sans terminal : « prerequis sites », prerequis --help.")
            from prerequis_tui.app import PrerequisApp

            return await PrerequisApp(client).run_async() or 0
    except OperatorError as error:
        err.write(f"prerequis : {error}\n")
        return EXIT_CODES[type(error)]


@quiet_when_unread
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    speak_utf8()
    known = found_commands()
    options = command_line(known).parse_args(arguments)
    import asyncio

    try:
        return asyncio.run(execute(known.get(options.command), options, sys.stdout, sys.stderr))
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
