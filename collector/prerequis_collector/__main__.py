"""`prerequis-collector`: the command line of whoever runs the collector."""

import os
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from prerequis.command_line import CommandLine, ExitCode, quiet_when_unread, speak_utf8
from prerequis_collector import errors

if TYPE_CHECKING:
    from prerequis_collector.commands import Command

_EXIT: Mapping[type[errors.CollectorError], ExitCode] = {
    errors.StorageUnavailable: ExitCode.REFUSED,
    errors.Overloaded: ExitCode.REFUSED,
}
"""All other errors are wrong input."""


def command_line(known: "Mapping[str, Command]") -> CommandLine:
    """Return the parser of the whole command line."""
    from prerequis_collector.config import default_data

    parser = CommandLine(prog="prerequis-collector", description="Garde les observations des postes et juge les sites.")
    parser.add_argument(
        "--version", action="version", version=f"prerequis-collector {version('prerequis')}", help="montre la version"
    )
    choices = parser.add_subparsers(dest="command", required=True, metavar="COMMANDE", title="commandes")
    for name, command in known.items():
        command.configure(choices.add_parser(name, help=command.HELP, description=command.HELP))
    parser.add_everywhere(
        "--data",
        type=Path,
        default=default_data(),
        metavar="DOSSIER",
        help="dossier du collecteur (défaut : %(default)s)",
    )
    return parser


@quiet_when_unread
def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand and return its exit code."""
    speak_utf8()
    given = sys.argv[1:] if arguments is None else arguments
    if list(given) == ["--version"]:
        print(f"prerequis-collector {version('prerequis')}")
        return ExitCode.DONE
    # gRPC would write about every broken handshake in a form of its own.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from prerequis_collector.commands import commands

    found = commands()
    parsed = command_line(found).parse_args(given)
    try:
        return found[parsed.command].run(parsed)
    except errors.CollectorError as error:
        print(error, file=sys.stderr)
        return _EXIT.get(type(error), ExitCode.WRONG_INPUT)
    except KeyboardInterrupt:
        return ExitCode.DONE


if __name__ == "__main__":
    sys.exit(main())
