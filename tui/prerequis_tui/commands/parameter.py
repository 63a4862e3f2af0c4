"""`prerequis parameter`: what a site settles for itself of what the sources leave open."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from prerequis.command_line import ExitCode
from prerequis_tui.commands import add_json, write_json
from prerequis_tui.errors import WrongInput

if TYPE_CHECKING:
    import argparse

    from prerequis.v1 import review_pb2
    from prerequis_tui.client import Client

HELP = (
    "montre ou règle les paramètres d'un site que les sources laissent ouverts (ratio, débit, utilisateurs, sens, insi)"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("finess", metavar="FINESS", help="numéro FINESS du site")
    parser.add_argument(
        "name", nargs="?", metavar="PARAMÈTRE", help="ratio, débit, utilisateurs, sens ou insi (défaut : les montre)"
    )
    parser.add_argument("value", nargs="?", metavar="VALEUR", help="« 4 », « 250 Ko/s », « deux sens », « certificat »")
    parser.add_argument("--reset", action="store_true", help="revient à la valeur du profil")
    parser.add_argument("--reason", default="", metavar="TEXTE", help="pourquoi ce site s'en écarte (obligatoire)")
    add_json(parser)


async def run(client: Client, options: argparse.Namespace, out: TextIO) -> int:
    """Show the parameters, or settle one and show it."""
    if options.name is None:
        found = list((await client.site(options.finess)).parameters)
    elif bool(options.value) == options.reset:
        raise WrongInput("donner une valeur, ou --reset pour revenir à celle du profil.")
    elif not options.reason.strip():
        raise WrongInput("--reason dit pourquoi ; il est obligatoire.")
    else:
        found = [await client.set_parameter(options.finess, options.name, options.value or "", options.reason)]
    if options.json:
        from prerequis_tui import documents

        write_json({"finess": options.finess, "parameters": [documents.parameter(one) for one in found]}, out)
    else:
        out.writelines(f"{line}\n" for one in found for line in _lines(one))
    return ExitCode.DONE


def _lines(one: review_pb2.SiteParameter) -> list[str]:
    from prerequis_tui import wording

    lines = [f"{one.name:<12} {one.value or wording.NOT_KNOWN}   {one.meaning}"]
    if one.HasField("settled_at"):
        lines.append(f"             réglé par {one.author} le {wording.date(one.settled_at)} : {one.reason}")
        lines.append(f"             valeur du profil : {one.profile_value or wording.NOT_KNOWN}")
    return lines
