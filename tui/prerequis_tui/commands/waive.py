"""`prerequis waive`: proposes that a deviation be accepted for a time."""

from __future__ import annotations

import argparse
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, TextIO

from prerequis.command_line import ExitCode

if TYPE_CHECKING:
    from prerequis_tui.client import Client

HELP = "propose une dérogation : un écart accepté pour un temps, qu'une autre personne approuve"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("finess", metavar="FINESS", help="numéro FINESS du site")
    parser.add_argument("rule", metavar="RÈGLE", help="identifiant de la règle (voir : prerequis site FINESS --all)")
    parser.add_argument("--reason", required=True, metavar="TEXTE", help="pourquoi l'écart est accepté")
    parser.add_argument(
        "--until", required=True, type=_day, metavar="AAAA-MM-JJ", help="dernier jour de la dérogation, d'ici un an"
    )
    parser.add_argument("--workstation", default="", metavar="POSTE", help="un seul poste (défaut : tous ceux du site)")


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.max
    if day == date.max:  # the day after it, when the waiver ends, does not exist
        raise argparse.ArgumentTypeError(f"{text!r} n'est pas une date : écrire AAAA-MM-JJ")
    return day


async def run(client: Client, options: argparse.Namespace, out: TextIO) -> int:
    """Send the proposal and say what remains to be done."""
    # The whole of the last day counts.
    expires = datetime.combine(options.until + timedelta(days=1), time(), UTC)
    waiver = await client.propose_waiver(options.finess, options.rule, options.workstation, options.reason, expires)
    out.write(
        f"Dérogation proposée : {waiver.id}. Elle ne compte qu'une fois approuvée par une autre personne :\n"
        f"prerequis waivers {waiver.finess} --approve {waiver.id}\n"
    )
    return ExitCode.DONE
