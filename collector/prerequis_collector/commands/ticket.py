"""`ticket create`: make the file with which machines enrol at a site."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from prerequis.command_line import CommandLine, ExitCode
from prerequis_collector import config
from prerequis_collector.opening import load_authority, opened_database, write_secret
from prerequis_collector.services.enrol import create_ticket
from prerequis_collector.services.register import check_finess
from prerequis_collector.services.toml import toml

HELP = "crée les tickets avec lesquels les postes s'enrôlent"


def configure(parser: CommandLine) -> None:
    """Add the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION", title="actions")
    create = actions.add_parser("create", help="crée un ticket pour un site")
    create.add_argument("--site", required=True, metavar="FINESS", help="numéro FINESS du site")
    create.add_argument("--uses", type=int, default=50, metavar="N", help="postes qu'il peut enrôler (50)")
    create.add_argument("--days", type=int, default=30, metavar="N", help="jours pendant lesquels il vaut (30)")
    create.add_argument("--out", type=Path, required=True, metavar="FICHIER", help="fichier à écrire")


def run(arguments: argparse.Namespace) -> ExitCode:
    """Write the ticket; it counts only when its file is complete. Raises InvalidInput, NotFound, AlreadyThere."""
    known = config.load(arguments.data)
    authority, where, now = load_authority(known), known.listening(), datetime.now(UTC)
    with opened_database(known) as database, database.write() as transaction:
        finess = check_finess(arguments.site)
        ticket = create_ticket(transaction, finess, uses=arguments.uses, days=arguments.days, now=now)
        content = toml(
            {
                "collector": str(where.listen),
                "enrolment": str(where.enrolment),
                "secret": ticket.secret,
                "finess": ticket.finess,
                "site": ticket.site_name,
                "expires": ticket.expires,
                "authority": authority.certificate_pem().decode(),
            }
        )
        write_secret(arguments.out, content.encode())
    sys.stderr.write(f"Ticket écrit dans {arguments.out}, pour {arguments.uses} postes, {arguments.days} jours.\n")
    return ExitCode.DONE
