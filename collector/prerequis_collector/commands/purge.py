"""`purge`: delete what has been kept long enough, and say what; it may serve meanwhile."""

import argparse
import sys
from collections.abc import Callable
from datetime import UTC, datetime

from prerequis.command_line import CommandLine, ExitCode
from prerequis_collector import config
from prerequis_collector.listing import json_document, table
from prerequis_collector.opening import opened_database
from prerequis_collector.services.audit import CONSOLE, note
from prerequis_collector.services.retain import HISTORY, Account, expired, horizon, purge
from prerequis_collector.store.database import Database, Transaction

HELP = "efface ce qui a été gardé assez longtemps (24 mois), et en rend compte"

_CLASSES = {
    "reports": "Rapports de postes",
    "line_measurements": "Mesures de ligne",
    "site_services": "Services vus par les sites",
    "revoked_agents": "Postes révoqués et muets",
    "tickets": "Tickets périmés",
}


def configure(parser: CommandLine) -> None:
    """Add the arguments."""
    parser.add_argument("--dry-run", action="store_true", help="compte sans rien effacer")
    parser.add_argument("--days", type=int, metavar="N", help=f"jours à garder ({HISTORY.days})")
    parser.add_argument("--json", action="store_true", help="un document JSON sur la sortie standard")


def run(arguments: argparse.Namespace) -> ExitCode:
    """Delete, or count, and write the account on stdout; raises InvalidInput, SchemaMismatch, StorageUnavailable."""
    before = horizon(datetime.now(UTC), arguments.days)
    with opened_database(config.load(arguments.data)) as database:
        with database.read() as transaction:
            account = expired(transaction, before)
        if not arguments.dry_run:
            account = purge(_writing(database), account)
            with database.write() as transaction:
                noted = CONSOLE, "history.purge", "", datetime.now(UTC)
                note(transaction, *noted, before=before.isoformat(), rows=dict(account.rows))
    sys.stdout.write(_document(account, arguments.dry_run) if arguments.json else _text(account, arguments.dry_run))
    return ExitCode.DONE


def _writing(database: Database) -> Callable[[Callable[[Transaction], int]], int]:
    def write(work: Callable[[Transaction], int]) -> int:
        with database.write() as transaction:
            return work(transaction)

    return write


def _document(account: Account, dry_run: bool) -> str:
    return json_document({"before": account.before, "dryRun": dry_run, "rows": dict(account.rows)})


def _text(account: Account, dry_run: bool) -> str:
    heading = "À EFFACER" if dry_run else "EFFACÉS"
    lines = table((f"AVANT LE {account.before:%d/%m/%Y}", heading), [(_CLASSES[k], n) for k, n in account.rows.items()])
    return lines + ("Rien n'a été effacé ; relancer sans --dry-run.\n" if dry_run else "")
