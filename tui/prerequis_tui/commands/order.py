"""`prerequis order`: keeps what was ordered, so that it is not ordered twice."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, TextIO

from prerequis.command_line import ExitCode

if TYPE_CHECKING:
    from prerequis_tui.client import Client

HELP = "enregistre une commande passée"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True, title="actions")
    add = actions.add_parser("add", help=HELP, description=HELP)
    add.add_argument("finess", metavar="FINESS", help="numéro FINESS du site")
    add.add_argument("item", metavar="ARTICLE", help="code de l'article (voir : prerequis needs --format csv)")
    add.add_argument("quantity", metavar="QUANTITÉ", type=_quantity, help="nombre commandé")
    add.add_argument("--reference", required=True, metavar="RÉFÉRENCE", help="numéro du bon de commande")


def _quantity(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} n'est pas un nombre entier entre 1 et 999 999")
    return int(text)


async def run(client: Client, options: argparse.Namespace, out: TextIO) -> int:
    """Record the order and say what remains to be ordered."""
    kept = await client.record_order(options.finess, options.item, options.quantity, options.reference)
    line = kept.line
    out.write(
        f"Commande {options.reference} gardée : {options.quantity} × {line.item_name or options.item}, "
        f"site {options.finess}. Déjà commandé : {line.ordered} ; reste à commander : {line.to_order}.\n"
    )
    if kept.being_judged:
        out.write(
            "Le site est en cours d'évaluation : ce reste peut changer ; revoir « prerequis needs » dans un instant.\n"
        )
    return ExitCode.DONE
