"""`prerequis answer`: keeps what a person answers to a question about a site."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from prerequis.command_line import ExitCode

if TYPE_CHECKING:
    import argparse

    from prerequis_tui.client import Client

HELP = "répond à une question sur un site (les questions : prerequis questions FINESS)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("finess", metavar="FINESS", help="numéro FINESS du site")
    parser.add_argument("question", metavar="QUESTION", help="identifiant de la question")
    parser.add_argument("choice", metavar="CHOIX", help="l'un des choix que la question propose")
    parser.add_argument("--comment", default="", metavar="TEXTE", help="ce qui appuie la réponse")


async def run(client: Client, options: argparse.Namespace, out: TextIO) -> int:
    """Send the answer and say what was kept."""
    kept = await client.save_answer(options.finess, options.question, options.choice, options.comment)
    out.write(f"Réponse gardée pour le site {options.finess} : {kept.question} = {kept.choice}.\n")
    return ExitCode.DONE
