"""--format, --out and --force, as every command that writes a spreadsheet has them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from prerequis_tui.errors import WrongInput

if TYPE_CHECKING:
    import argparse

    from prerequis_tui.exports.table import Table


def add_export(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--format", choices=("csv", "xlsx"), help="écrit un tableau pour LibreOffice ou Excel")
    parser.add_argument("--out", type=Path, metavar="FICHIER", help="fichier à écrire (défaut : sortie standard, CSV)")
    parser.add_argument("--force", action="store_true", help="remplace le fichier s'il existe")


def chosen(options: argparse.Namespace) -> str | None:
    """Return csv, xlsx or None; the name of the file decides where --format does not. Raise WrongInput."""
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


def write_export(options: argparse.Namespace, form: str, said: str, out: TextIO, *tables: Table) -> None:
    """Write the tables to the file or to stdout, a CSV the first one only; `said` tells in French what they hold."""
    from prerequis_tui.exports import write_file
    from prerequis_tui.exports.table import csv_content, xlsx_content

    content = csv_content(tables[0]) if form == "csv" else xlsx_content(*tables)
    if options.out is None:
        out.flush()
        out.buffer.write(content)
        return
    write_file(options.out, content, replace=options.force)
    out.write(f"{options.out} écrit : {said}.\n")
    if form == "csv":
        out.write("Un tableur ôte le zéro qui commence un FINESS d'un CSV : préférer --format xlsx.\n")
