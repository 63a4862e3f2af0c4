"""`prerequis waivers`: lists accepted deviations, approves a proposal, ends one before its time."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING, TextIO

from prerequis.command_line import ExitCode
from prerequis_tui.commands import add_json, write_json
from prerequis_tui.errors import WrongInput

if TYPE_CHECKING:
    import argparse

    from prerequis.v1.waiver_pb2 import Waiver
    from prerequis_tui.client import Client

HELP = "montre les dérogations, en approuve une ou y met fin"

_STATES = ("", "proposée", "en vigueur", "expirée", "terminée")
"""By the number of Waiver.State."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("finess", nargs="?", default="", metavar="FINESS", help="un seul site (défaut : tous)")
    change = parser.add_mutually_exclusive_group()
    change.add_argument("--approve", metavar="ID", help="approuve la proposition d'une autre personne")
    change.add_argument("--end", metavar="ID", help="met fin à une dérogation, ou retire sa proposition")
    add_json(parser)


async def run(client: Client, options: argparse.Namespace, out: TextIO) -> int:
    """List, approve or end."""
    if (options.approve or options.end) and not options.finess:
        raise WrongInput("nommer aussi le site : prerequis waivers FINESS --approve ID.")
    if options.approve:
        found = [await client.approve_waiver(options.finess, options.approve)]
    elif options.end:
        found = [await client.end_waiver(options.finess, options.end)]
    else:
        found = await client.waivers(options.finess)
    if options.json:
        write_json({"waivers": [_document(one) for one in found]}, out)
    elif found:
        out.writelines(_text(one) for one in found)
    else:
        out.write("Aucune dérogation.\n")
    return ExitCode.DONE


def _last_day(waiver: Waiver) -> str:
    return f"{waiver.expires.ToDatetime(UTC) - timedelta(seconds=1):%Y-%m-%d}"


def _document(waiver: Waiver) -> dict[str, object]:
    return {
        "id": waiver.id,
        "finess": waiver.finess,
        "rule": waiver.rule,
        "workstation": waiver.workstation_id or None,
        "state": type(waiver).State.Name(waiver.state),
        "reason": waiver.reason,
        "until": _last_day(waiver),
        "author": waiver.author,
        "approver": waiver.approver or None,
    }


def _text(waiver: Waiver) -> str:
    where = f", poste {waiver.workstation_id}" if waiver.workstation_id else ""
    agreed = f", approuvée par {waiver.approver}" if waiver.approver else ""
    return (
        f"{waiver.id}  {_STATES[waiver.state]}, jusqu'au {_last_day(waiver)}\n"
        f"  site {waiver.finess}{where}, règle {waiver.rule}\n"
        f"  proposée par {waiver.author}{agreed} : {waiver.reason}\n"
    )
