"""`prerequis needs`: what to order, for people, for scripts and for spreadsheets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from prerequis.command_line import ExitCode
from prerequis_tui.commands import add_json, write_json
from prerequis_tui.errors import WrongInput

if TYPE_CHECKING:
    import argparse

    from prerequis.v1 import ordering_pb2
    from prerequis_tui.client import Client

HELP = "dit quoi commander, par site et par article"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--site", metavar="FINESS", default="", help="un seul site (défaut : tous)")
    add_json(parser)
    parser.add_argument("--format", choices=("csv", "xlsx"), help="écrit un tableau pour LibreOffice ou Excel")
    parser.add_argument("--out", type=Path, metavar="FICHIER", help="fichier à écrire (défaut : sortie standard, CSV)")
    parser.add_argument("--force", action="store_true", help="remplace le fichier s'il existe")


async def run(client: Client, options: argparse.Namespace, out: TextIO) -> int:
    """Write the needs in the form that was asked for."""
    form = _form(options)
    needs = await client.needs(options.site)
    if options.json:
        write_json(document(needs), out)
    elif form:
        from prerequis_tui import wording
        from prerequis_tui.exports import needs_csv, needs_xlsx, write_file

        content = needs_csv.content(needs) if form == "csv" else needs_xlsx.content(needs)
        if options.out is None:
            out.flush()
            out.buffer.write(content)
        else:
            write_file(options.out, content, replace=options.force)
            lines = wording.count(len(needs.lines), "ligne")
            missing = wording.count(len(needs.sites_not_measured), "site non mesuré", "sites non mesurés")
            out.write(f"{options.out} écrit : {lines}, {missing}.\n")
            if form == "csv":
                out.write("Un tableur ôte le zéro qui commence un FINESS d'un CSV : préférer --format xlsx.\n")
    else:
        from prerequis_tui.printed.needs import print_needs

        print_needs(needs, out)
    return ExitCode.DONE


def _form(options: argparse.Namespace) -> str | None:
    """Return csv, xlsx or None; the name of the file decides where --format does not."""
    form: str | None = options.format
    if options.json:
        if form or options.out:
            raise WrongInput("--json ne va pas avec --format ni --out.")
        return None
    if options.out is not None and form is None:
        form = options.out.suffix.lower().lstrip(".")
        if form not in ("csv", "xlsx"):
            raise WrongInput(f"{options.out} : ajouter --format csv ou --format xlsx.")
    if form == "xlsx" and options.out is None:
        raise WrongInput("--format xlsx demande un fichier : ajouter --out FICHIER.xlsx.")
    if options.out is not None and options.out.exists() and not options.force:
        raise WrongInput(f"{options.out} existe déjà : choisir un autre nom, ou ajouter --force pour le remplacer.")
    return form


def document(needs: ordering_pb2.ListNeedsResponse) -> dict[str, object]:
    """Return the needs as scripts read them; `possible` is null when no upper bound can be given."""
    from prerequis_tui import wording

    return {
        "lines": [
            {
                "finess": line.finess,
                "item": line.item,
                "certain": line.certain,
                "possible": line.possible if line.HasField("possible") else None,
                "ordered": line.ordered,
                "toOrder": line.to_order,
                "deadline": wording.iso_day(line.deadline),
                "reasons": list(line.reasons),
            }
            for line in needs.lines
        ],
        "notMeasured": {"sites": list(needs.sites_not_measured)},
    }
