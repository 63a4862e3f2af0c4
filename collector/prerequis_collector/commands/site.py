"""`site add`, `import`, `list`: the register of sites, one by one or by a file."""

import argparse
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

from prerequis.command_line import CommandLine, ExitCode
from prerequis_collector import config
from prerequis_collector.given_file import content_of
from prerequis_collector.listing import json_document, table
from prerequis_collector.opening import load_rules, opened_database
from prerequis_collector.services.audit import CONSOLE
from prerequis_collector.services.import_sites import Plan, keep_import, plan_import
from prerequis_collector.services.register import check_finess, check_pack, looks_mistyped, save_site
from prerequis_collector.services.register_file import (
    HEADINGS,
    LARGEST_FILE_BYTES,
    RegisterFile,
    Value,
    read_register,
    write_register,
)
from prerequis_collector.store.sites import SiteRow, Sites

HELP = "tient le registre des sites"
_NUMBERS = {
    "professionals": "professionnels qui écrivent dans le DUI",
    "simultaneous-users": "utilisateurs du DUI en même temps",
    "secretariats": "secrétariats",
    "workstations": "postes du site, avec ou sans agent",
    "active-records": "dossiers de la file active (personnes accompagnées)",
}
_FILE = """\
inscrit les sites d'un fichier CSV dont la première ligne nomme les colonnes, ou ceux d'un organisme dans l'extrait
public de FINESS : tous, ou aucun si une ligne est fausse. Ce qui n'a pas de colonne reste ; une cellule vide efface.
Pour un site connu, « finess » et ce qui change suffisent. Colonnes :"""
_IN_JSON = {"simultaneous_users": "simultaneousUsers", "active_records": "activeRecords"}


def configure(parser: CommandLine) -> None:
    """Add the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION", title="actions")
    add = actions.add_parser("add", help="inscrit un site, ou remplace ce qu'on en savait")
    add.add_argument("finess", metavar="FINESS", help="numéro FINESS de l'établissement, neuf caractères")
    add.add_argument("--name", required=True, metavar="NOM", help="nom du site")
    for number, meaning in _NUMBERS.items():
        add.add_argument(f"--{number}", type=int, metavar="N", help=meaning)
    add.add_argument(
        "--organisation", default="", metavar="FINESS", help="FINESS juridique de l'organisme gestionnaire"
    )
    add.add_argument("--deadline", type=date.fromisoformat, metavar="AAAA-MM-JJ", help="jour où le site doit être prêt")
    add.add_argument("--lot", default="", metavar="CALENDRIER/LOT", help="lot du programme, par exemple apajh-2023/1")
    add.add_argument("--profile", default="", metavar="PROFIL", help="profil d'éditeur de DUI")
    imported = actions.add_parser(
        "import",
        help="inscrit les sites d'un fichier CSV, tous ou aucun, et dit ce qui change",
        description=f"{_FILE} {', '.join(HEADINGS.values())}",
    )
    imported.add_argument("file", type=Path, metavar="FICHIER", help="CSV d'un tableur, ou extrait public de FINESS")
    imported.add_argument("--dry-run", action="store_true", help="dit ce qui changerait, sans rien inscrire")
    listed = actions.add_parser("list", help="montre le registre ; --csv écrit le fichier que « import » relit")
    for action in (imported, listed):
        action.add_argument("--organisation", metavar="FINESS", help="seulement les sites de cet organisme")
    imported.add_argument("--json", action="store_true", help="un document JSON sur la sortie standard")
    form = listed.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="un document JSON sur la sortie standard")
    form.add_argument("--csv", action="store_true", help="un CSV pour un tableur, sur la sortie standard")


def run(arguments: argparse.Namespace) -> ExitCode:
    """Do what was asked; raises InvalidInput, StorageUnavailable."""
    return {"add": _add, "import": _import, "list": _list}[arguments.action](arguments)


def _add(arguments: argparse.Namespace) -> ExitCode:
    known = config.load(arguments.data)
    if arguments.profile or arguments.lot:
        check_pack(load_rules(known), arguments.profile, arguments.lot)
    site = SiteRow(
        finess=arguments.finess,
        name=arguments.name,
        professionals=arguments.professionals,
        simultaneous_users=arguments.simultaneous_users,
        secretariats=arguments.secretariats,
        workstations=arguments.workstations,
        deadline=arguments.deadline,
        profile=arguments.profile,
        organisation=arguments.organisation,
        lot=arguments.lot,
        active_records=arguments.active_records,
    )
    with opened_database(known) as database, database.write() as transaction:
        new = save_site(transaction, site, author=CONSOLE, now=datetime.now(UTC))
    if looks_mistyped(site.finess):
        sys.stderr.write(f"Attention : la clé de {site.finess} est fausse ; vérifier le numéro.\n")
    sys.stderr.write(f"Site {site.finess} {'inscrit' if new else 'mis à jour'}.\n")
    return ExitCode.DONE


def _import(arguments: argparse.Namespace) -> ExitCode:
    """Keep what the file says, all of it or nothing, and write the account on stdout."""
    known = config.load(arguments.data)
    file = read_register(content_of(arguments.file, LARGEST_FILE_BYTES), _organisation(arguments))
    pack = load_rules(known)
    with opened_database(known) as database:
        if arguments.dry_run:
            with database.read() as transaction:
                plan = plan_import(transaction, file.lines, pack)
        else:
            with database.write() as transaction:
                plan = plan_import(transaction, file.lines, pack)
                keep_import(transaction, plan, author=CONSOLE, now=datetime.now(UTC))
    account = _document(plan, file, arguments.dry_run) if arguments.json else "".join(_account(plan, arguments.dry_run))
    sys.stdout.write(account)
    for line in file.lines:
        if looks_mistyped(line.finess):
            sys.stderr.write(f"Attention, ligne {line.number} : la clé de {line.finess} est fausse ; la vérifier.\n")
    if file.ignored:
        sys.stderr.write(f"Colonnes qui n'ont pas été lues : {', '.join(file.ignored)}.\n")
    return ExitCode.DONE


def _list(arguments: argparse.Namespace) -> ExitCode:
    with opened_database(config.load(arguments.data)) as database, database.read() as transaction:
        sites = Sites(transaction).all(_organisation(arguments))
    rows = [{field: getattr(site, field) for field in HEADINGS} for site in sites]
    if arguments.csv:
        sys.stdout.write(write_register(rows))
    elif arguments.json:
        sys.stdout.write(json_document({"sites": [_as_json(row) for row in rows]}))
    else:
        shown = [(site.finess, site.name, site.organisation, site.workstations, site.lot) for site in sites]
        sys.stdout.write(table(("FINESS", "NOM", "ORGANISME", "POSTES", "LOT"), shown))
    return ExitCode.DONE


def _organisation(arguments: argparse.Namespace) -> str:
    return check_finess(arguments.organisation) if arguments.organisation else ""


def _account(plan: Plan, dry_run: bool) -> Iterator[str]:
    yield f"Sites nouveaux : {len(plan.new)}, changés : {len(plan.changed)}, inchangés : {plan.unchanged}\n"
    for change in plan.new:
        yield f"  + {change.site.finess} {change.site.name}\n"
    for change in plan.changed:
        what = (f"{HEADINGS[field]} {_said(was)} → {_said(now)}" for field, (was, now) in change.fields.items())
        yield f"  ~ {change.site.finess} {change.site.name} : {', '.join(what)}\n"
    if dry_run:
        yield "Rien n'a été inscrit ; relancer sans --dry-run.\n"


def _said(value: Value) -> str:
    if value is None or value == "":
        return "–"
    return f"« {value} »" if isinstance(value, str) else f"{value:%d/%m/%Y}" if isinstance(value, date) else str(value)


def _document(plan: Plan, file: RegisterFile, dry_run: bool) -> str:
    return json_document(
        {
            "dryRun": dry_run,
            "new": [{"finess": change.site.finess, "name": change.site.name} for change in plan.new],
            "changed": [
                {
                    "finess": change.site.finess,
                    "before": _as_json({field: was for field, (was, _) in change.fields.items()}),
                    "after": _as_json({field: now for field, (_, now) in change.fields.items()}),
                }
                for change in plan.changed
            ],
            "unchanged": plan.unchanged,
            "ignoredColumns": list(file.ignored),
        }
    )


def _as_json(row: Mapping[str, Value]) -> dict[str, object]:
    """Return the fields as programs read them: names as elsewhere in JSON, days in ISO 8601."""
    return {
        _IN_JSON.get(field, field): value.isoformat() if isinstance(value, date) else value
        for field, value in row.items()
    }
