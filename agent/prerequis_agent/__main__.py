"""The command `prerequis-agent`."""

import contextlib
import gc
import importlib
import os
import pkgutil
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from prerequis.command_line import CommandLine, ExitCode, quiet_when_unread, speak_utf8
from prerequis_agent import __version__, commands
from prerequis_agent.config import default_directory
from prerequis_agent.errors import AgentError, CollectorUnreachable, ConfigurationError, Refused

_EXIT_CODES: tuple[tuple[type[AgentError], ExitCode], ...] = (
    (ConfigurationError, ExitCode.WRONG_INPUT),
    (CollectorUnreachable, ExitCode.UNREACHABLE),
    (Refused, ExitCode.REFUSED),
    (AgentError, ExitCode.WRONG_INPUT),
)
"""What each error of the agent tells the caller; the first that fits."""

_INTERRUPTED = 128 + signal.SIGINT


def parser() -> CommandLine:
    """Return the command line, with every module of `commands` as a subcommand."""
    line = CommandLine(
        prog="prerequis-agent", description="Observe ce poste pour savoir si son site est prêt pour le DUI."
    )
    line.add_argument("--version", action="version", version=f"prerequis-agent {__version__}", help="montre la version")
    subcommands = line.add_subparsers(title="commandes", metavar="COMMANDE", required=True)
    for found in pkgutil.iter_modules(commands.__path__):
        module = importlib.import_module(f"{commands.__name__}.{found.name}")
        subcommand = subcommands.add_parser(found.name, help=module.HELP, description=module.HELP)
        module.add_arguments(subcommand)
        subcommand.set_defaults(run=module.run)
    line.add_everywhere(
        "--state",
        type=Path,
        default=os.environ.get("PREREQUIS_AGENT_STATE") or default_directory(),
        metavar="DOSSIER",
        help="où l'agent garde son identité et les rapports en attente (défaut : %(default)s)",
    )
    return line


@contextlib.contextmanager
def _without_collecting() -> Iterator[None]:
    """Leave reference cycles alone: a command ends before they matter, and looking for them costs an eighth."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


@quiet_when_unread
@_without_collecting()
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    speak_utf8()
    options = parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except AgentError as problem:
        sys.stderr.write(f"{problem}\n")
        return next(code for error, code in _EXIT_CODES if isinstance(problem, error))
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrompu.\n")
        return _INTERRUPTED
    return code


if __name__ == "__main__":
    sys.exit(main())
