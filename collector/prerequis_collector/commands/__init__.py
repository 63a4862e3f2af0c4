"""The subcommands of `prerequis-collector`, one per file, found by walking; each has HELP, configure and run.

`configure(parser)` adds the arguments; `run(arguments)` does the work and returns the exit code, or raises
CollectorError with the sentence for stderr.
"""

import argparse
import pkgutil
from collections.abc import Mapping
from importlib import import_module
from typing import Protocol, cast

from prerequis.command_line import CommandLine, ExitCode


class Command(Protocol):
    """What the module of a subcommand offers."""

    HELP: str

    def configure(self, parser: CommandLine) -> None:
        """Add the arguments."""

    def run(self, arguments: argparse.Namespace) -> ExitCode:
        """Do the work."""


def commands() -> Mapping[str, Command]:
    """Return every subcommand by name."""
    return {
        module.name: cast("Command", import_module(f"{__name__}.{module.name}"))
        for module in pkgutil.iter_modules(__path__)
    }
