"""`prerequis export`: what is known of a site, requirement by requirement, for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from prerequis.command_line import ExitCode
from prerequis_tui.errors import WrongInput

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from prerequis.v1 import review_pb2
    from prerequis_tui.client import Client

HELP = "écrit les exigences d'un référentiel et leur état à un site, aussi pour CISO Assistant"

_DEFAULT = "anssi-hygiene"
"""The framework that other tools know."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("finess", metavar="FINESS", help="numéro FINESS du site")
    parser.add_argument(
        "--framework",
        default=_DEFAULT,
        metavar="RÉFÉRENTIEL",
        help=f"dui, anssi-hygiene, recyf, maturin-sms… (défaut : {_DEFAULT})",
    )
    parser.add_argument(
        "--format",
        choices=("ciso-assistant", "csv", "xlsx"),
        required=True,
        help="ciso-assistant : classeur à importer dans CISO Assistant (Audits) ; csv, xlsx : tableau à lire",
    )
    parser.add_argument("--out", type=Path, metavar="FICHIER", help="fichier à écrire (défaut : sortie standard, CSV)")
    parser.add_argument("--force", action="store_true", help="remplace le fichier s'il existe")


async def run(client: Client, options: argparse.Namespace, out: TextIO) -> int:
    """Write the requirements in the form that was asked for."""
    from prerequis_tui import wording
    from prerequis_tui.exports.choice import write_export
    from prerequis_tui.exports.requirements import ciso_assistant_table, requirements_table
    from prerequis_tui.requirements import mapped_requirements, requirements_of

    if options.out is None and options.format != "csv":
        raise WrongInput(f"--format {options.format} demande un fichier : ajouter --out FICHIER.xlsx.")
    framework = _framework((await client.pack()).frameworks, options.framework)
    if options.format == "ciso-assistant" and not framework.urn:
        raise WrongInput(f"CISO Assistant n'a pas de référentiel « {framework.id} » : choisir --format xlsx.")
    site = await client.site(options.finess)
    found = list(mapped_requirements(site, framework) if framework.mapped else requirements_of(site, framework.id))
    if not found:
        raise WrongInput(f"rien n'a encore été jugé au site {options.finess} pour « {framework.id} ».")
    if options.format == "ciso-assistant":
        table = ciso_assistant_table(framework, found)
    else:
        table = requirements_table(site, framework, found)
    form = "csv" if options.format == "csv" else "xlsx"
    write_export(options, form, wording.count(len(found), "exigence"), out, table)
    if options.out is not None:
        out.write("".join(f"{line}\n" for line in (f"Source : {framework.attribution}.", framework.note) if line))
    return ExitCode.DONE


def _framework(known: Sequence[review_pb2.FrameworkText], wanted: str) -> review_pb2.FrameworkText:
    for framework in known:
        if framework.id == wanted:
            return framework
    names = ", ".join(framework.id for framework in known)
    raise WrongInput(f"il n'y a pas de référentiel « {wanted} » ; choisir parmi {names}.")
