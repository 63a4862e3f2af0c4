"""`site add`: write a site into the register, or change what is known of it."""

import argparse
import sys
from datetime import UTC, date, datetime

from prerequis.command_line import CommandLine, ExitCode
from prerequis_collector import config
from prerequis_collector.errors import InvalidInput
from prerequis_collector.opening import load_rules, opened_database
from prerequis_collector.services.audit import CONSOLE
from prerequis_collector.services.register import looks_mistyped, save_site
from prerequis_collector.store.sites import SiteRow
from prerequis_rules.pack import Pack

HELP = "tient le registre des sites"
_NUMBERS = {
    "professionals": "professionnels qui écrivent dans le DUI",
    "simultaneous-users": "utilisateurs du DUI en même temps",
    "secretariats": "secrétariats",
    "workstations": "postes du site, avec ou sans agent",
    "active-records": "dossiers de la file active (personnes accompagnées)",
}


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


def run(arguments: argparse.Namespace) -> ExitCode:
    """Keep the site and say what was done on stderr; raises InvalidInput."""
    known = config.load(arguments.data)
    if arguments.profile or arguments.lot:
        _check(load_rules(known), arguments.profile, arguments.lot)
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


def _check(pack: Pack, profile: str, lot: str) -> None:
    """Return when the pack has the profile and the lot, or none is named; raises InvalidInput."""
    if profile and profile not in pack.profiles:
        raise InvalidInput(f"Il n'y a pas de profil « {profile} » ; choisir parmi : {', '.join(pack.profiles)}.")
    if lot and pack.lot(lot) is None:
        known = [f"{calendar.id}/{one}" for calendar in pack.calendars.values() for one in calendar.lots]
        raise InvalidInput(f"Il n'y a pas de lot « {lot} » ; choisir parmi : {', '.join(known)}.")
