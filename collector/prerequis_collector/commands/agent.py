"""`agent list` and `agent revoke`: the machines that have enrolled."""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from prerequis.command_line import CommandLine, ExitCode
from prerequis.v1.report_pb2 import Report
from prerequis_collector import config
from prerequis_collector.listing import json_document, table
from prerequis_collector.opening import opened_database
from prerequis_collector.services.audit import CONSOLE
from prerequis_collector.services.register import check_finess, require_site
from prerequis_collector.services.revoke import revoke_agent
from prerequis_collector.store.agents import AgentRow, Agents
from prerequis_collector.store.database import Transaction
from prerequis_collector.store.reports import Reports

HELP = "tient la liste des postes enrôlés"


def configure(parser: CommandLine) -> None:
    """Add the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION", title="actions")
    listed = actions.add_parser("list", help="montre les postes enrôlés, révoqués compris")
    listed.add_argument("--site", metavar="FINESS", help="seulement ceux de ce site")
    listed.add_argument("--json", action="store_true", help="un document JSON sur la sortie standard")
    revoke = actions.add_parser("revoke", help="refuse un poste dès son prochain appel ; ses rapports restent")
    revoke.add_argument("id", metavar="ID", help="identifiant du poste, donné par « agent list »")


def run(arguments: argparse.Namespace) -> ExitCode:
    """List or revoke; raises NotFound, InvalidInput."""
    with opened_database(config.load(arguments.data)) as database:
        if arguments.action == "revoke":
            with database.write() as transaction:
                revoke_agent(transaction, arguments.id, author=CONSOLE, now=datetime.now(UTC))
            sys.stderr.write(f"Poste {arguments.id} révoqué.\n")
        else:
            with database.read() as transaction:
                rows = _rows(transaction, arguments.site)
                sites = {row.finess for row in rows}
                names = dict(pair for site in sites for pair in _hostnames(transaction, site))
            sys.stdout.write(_document(rows, names) if arguments.json else _table(rows, names))
    return ExitCode.DONE


def _rows(transaction: Transaction, site: str | None) -> Sequence[AgentRow]:
    finess = require_site(transaction, check_finess(site)).finess if site else None
    return Agents(transaction).all(finess)


def _hostnames(transaction: Transaction, finess: str) -> list[tuple[str, str]]:
    """Return each agent of the site that is not revoked and has reported, with its machine's name."""
    newest = Reports(transaction).newest_of_site(finess)
    return [(row.agent_id, Report.FromString(row.body).workstation.hostname) for row in newest]


def _document(rows: Sequence[AgentRow], names: dict[str, str]) -> str:
    agents = [
        {
            "id": row.id,
            "finess": row.finess,
            "hostname": names.get(row.id),
            "enrolledAt": row.enrolled_at,
            "lastSeen": row.last_seen,
            "revoked": row.revoked,
        }
        for row in rows
    ]
    return json_document({"agents": agents})


def _table(rows: Sequence[AgentRow], names: dict[str, str]) -> str:
    return table(
        ("POSTE", "SITE", "NOM", "ENRÔLÉ", "VU", "ÉTAT"),
        [(row.id, row.finess, names.get(row.id), row.enrolled_at, row.last_seen, _state(row)) for row in rows],
    )


def _state(row: AgentRow) -> str:
    return "révoqué" if row.revoked else "admis"
