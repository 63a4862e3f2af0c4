"""One headless command per file, found by walking this package."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from prerequis_tui.client import Client


class Command(Protocol):
    """What a module of this package offers; its name is the command's name."""

    HELP: str
    """One French sentence."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's arguments."""

    async def run(self, client: Client, options: argparse.Namespace, out: TextIO) -> int:
        """Do the work, write the result to `out`, return the exit code; raise OperatorError."""


def add_json(parser: argparse.ArgumentParser) -> None:
    """Declare --json, as every read command has it."""
    parser.add_argument("--json", action="store_true", help="un document JSON sur la sortie standard, rien d'autre")


def write_json(document: Mapping[str, object], out: TextIO) -> None:
    """Write one JSON document and nothing else."""
    json.dump(document, out, ensure_ascii=False, indent=2)
    out.write("\n")


FAIL_ON = {"not-ready": 1, "insufficient-data": 2, "reservations": 3}
"""--fail-on: by name, the best readiness (by its protobuf number) that is still a finding."""


def add_fail_on(parser: argparse.ArgumentParser, who: str) -> None:
    """Declare --fail-on, for scripts that watch a site."""
    parser.add_argument(
        "--fail-on",
        choices=FAIL_ON,
        help=f"code de sortie 1 quand {who} n'est pas mieux que cela (référentiel DUI)",
    )


def fails(readiness: int, fail_on: str | None) -> bool:
    """Return whether a readiness is as bad as --fail-on says; what was never judged is not data enough."""
    return fail_on is not None and (readiness or FAIL_ON["insufficient-data"]) <= FAIL_ON[fail_on]
