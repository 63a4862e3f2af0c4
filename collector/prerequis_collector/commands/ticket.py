"""`ticket create`, `list`, `revoke`: the files with which machines enrol at a site."""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from prerequis.command_line import CommandLine, ExitCode
from prerequis_collector import config
from prerequis_collector.listing import count, json_document, table
from prerequis_collector.opening import bundle_recipient, load_authority, opened_database, write_secret
from prerequis_collector.services.audit import CONSOLE
from prerequis_collector.services.enrol import create_ticket
from prerequis_collector.services.register import check_finess, require_site
from prerequis_collector.services.revoke import revoke_ticket
from prerequis_collector.services.toml import toml
from prerequis_collector.services.trust import given_pem
from prerequis_collector.store.tickets import TicketRow, Tickets

HELP = "tient les tickets avec lesquels les postes s'enrôlent"


def configure(parser: CommandLine) -> None:
    """Add the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION", title="actions")
    create = actions.add_parser("create", help="crée un ticket pour un site")
    create.add_argument("--site", required=True, metavar="FINESS", help="numéro FINESS du site")
    create.add_argument("--uses", type=int, default=50, metavar="N", help="postes qu'il peut enrôler (50)")
    create.add_argument("--days", type=int, default=30, metavar="N", help="jours pendant lesquels il vaut (30)")
    create.add_argument("--out", type=Path, required=True, metavar="FICHIER", help="fichier à écrire")
    listed = actions.add_parser("list", help="montre les tickets, sans leur secret")
    listed.add_argument("--site", metavar="FINESS", help="seulement ceux de ce site")
    listed.add_argument("--json", action="store_true", help="un document JSON sur la sortie standard")
    revoke = actions.add_parser("revoke", help="empêche tout nouvel enrôlement avec un ticket")
    revoke.add_argument("id", metavar="ID", help="identifiant du ticket, donné par « ticket list »")


def run(arguments: argparse.Namespace) -> ExitCode:
    """Do what was asked; raises InvalidInput, NotFound, AlreadyThere."""
    return {"create": _create, "list": _list, "revoke": _revoke}[arguments.action](arguments)


def _create(arguments: argparse.Namespace) -> ExitCode:
    """Write the ticket; it counts only when its file is complete."""
    known = config.load(arguments.data)
    authority, where, now = load_authority(known), known.listening(), datetime.now(UTC)
    with opened_database(known) as database, database.write() as transaction:
        finess = check_finess(arguments.site)
        ticket = create_ticket(transaction, finess, uses=arguments.uses, days=arguments.days, author=CONSOLE, now=now)
        content = toml(
            {
                "collector": str(where.listen),
                "enrolment": str(where.enrolment),
                "secret": ticket.secret,
                "finess": ticket.finess,
                "site": ticket.site_name,
                "expires": ticket.expires,
                "authority": given_pem(transaction, authority),
                "bundle": bundle_recipient(known),
            }
        )
        write_secret(arguments.out, content.encode())
    good_for = f"{count(arguments.uses, 'poste')} et {count(arguments.days, 'jour')}"
    sys.stderr.write(f"Ticket écrit dans {arguments.out}, pour {good_for}.\n")
    return ExitCode.DONE


def _list(arguments: argparse.Namespace) -> ExitCode:
    now = datetime.now(UTC)
    with opened_database(config.load(arguments.data)) as database, database.read() as transaction:
        finess = require_site(transaction, check_finess(arguments.site)).finess if arguments.site else None
        rows = Tickets(transaction).all(finess)
    sys.stdout.write(_document(rows) if arguments.json else _table(rows, now))
    return ExitCode.DONE


def _revoke(arguments: argparse.Namespace) -> ExitCode:
    with opened_database(config.load(arguments.data)) as database, database.write() as transaction:
        revoke_ticket(transaction, arguments.id, author=CONSOLE, now=datetime.now(UTC))
    sys.stderr.write(f"Ticket {arguments.id} révoqué ; les postes déjà enrôlés le restent.\n")
    return ExitCode.DONE


def _document(rows: Sequence[TicketRow]) -> str:
    tickets = [
        {
            "id": row.id,
            "finess": row.finess,
            "createdAt": row.created_at,
            "expires": row.expires_at,
            "usesLeft": row.uses_left,
            "revoked": row.revoked,
        }
        for row in rows
    ]
    return json_document({"tickets": tickets})


def _table(rows: Sequence[TicketRow], now: datetime) -> str:
    return table(
        ("TICKET", "SITE", "CRÉÉ", "EXPIRE", "RESTE", "ÉTAT"),
        [(row.id, row.finess, row.created_at, row.expires_at, row.uses_left, _state(row, now)) for row in rows],
    )


def _state(row: TicketRow, now: datetime) -> str:
    if row.revoked:
        return "révoqué"
    if row.expires_at <= now:
        return "expiré"
    return "valable" if row.uses_left else "épuisé"
