"""`agent list`, `revoke`, `keep`, `separate`: the machines that have enrolled, and those that copied an identity."""

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
from prerequis_collector.services.origins import keep_machine, separate, warnings
from prerequis_collector.services.register import check_finess, require_site
from prerequis_collector.services.revoke import revoke_agent
from prerequis_collector.store.agents import AgentRow, Agents
from prerequis_collector.store.database import Transaction
from prerequis_collector.store.newest_reports import newest_bodies

HELP = "tient la liste des postes enrôlés"


def configure(parser: CommandLine) -> None:
    """Add the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION", title="actions")
    listed = actions.add_parser("list", help="montre les postes enrôlés, révoqués compris")
    listed.add_argument("--site", metavar="FINESS", help="seulement ceux de ce site")
    listed.add_argument("--json", action="store_true", help="un document JSON sur la sortie standard")
    revoke = actions.add_parser("revoke", help="refuse un poste dès son prochain appel ; ses rapports restent")
    keep = actions.add_parser("keep", help="laisse une identité copiée à une seule machine ; les autres sont refusées")
    apart = actions.add_parser("separate", help="compte chaque machine qui a une identité copiée comme un poste")
    for action in (revoke, keep, apart):
        action.add_argument("id", metavar="ID", help="identifiant du poste, donné par « agent list »")
    keep.add_argument("machine", metavar="MACHINE", help="celle qui la garde, ou le début de son empreinte")


def run(arguments: argparse.Namespace) -> ExitCode:
    """List or decide; raises NotFound, InvalidInput."""
    with opened_database(config.load(arguments.data)) as database:
        if arguments.action != "list":
            with database.write() as transaction:
                said = _decide(transaction, arguments)
            sys.stderr.write(f"{said}\n")
        else:
            with database.read() as transaction:
                finess = require_site(transaction, check_finess(arguments.site)).finess if arguments.site else None
                rows, names = Agents(transaction).all(finess), _hostnames(transaction, finess)
            sys.stdout.write(_document(rows, names) if arguments.json else _table(rows, names))
    return ExitCode.DONE


def _decide(transaction: Transaction, arguments: argparse.Namespace) -> str:
    """Do what was decided of an agent, and return what was done in one sentence."""
    now = datetime.now(UTC)
    match arguments.action:
        case "keep":
            keep_machine(transaction, arguments.id, arguments.machine, author=CONSOLE, now=now)
            return (
                f"L'identité {arguments.id} reste à cette machine ; une autre qui la montre est à enrôler de nouveau."
            )
        case "separate":
            separate(transaction, arguments.id, author=CONSOLE, now=now)
            return f"Les machines qui ont l'identité {arguments.id} comptent chacune comme un poste."
        case _:
            revoke_agent(transaction, arguments.id, author=CONSOLE, now=now)
            return f"Poste {arguments.id} révoqué."


def _hostnames(transaction: Transaction, finess: str | None) -> dict[str, str]:
    """Return the machine's name of each agent, of one site or of all, that is not revoked and has reported."""
    newest = newest_bodies(transaction, finess)
    return {agent_id: Report.FromString(body).workstation.hostname for agent_id, body in newest}


def _document(rows: Sequence[AgentRow], names: dict[str, str]) -> str:
    agents = [
        {
            "id": row.id,
            "finess": row.finess,
            "hostname": names.get(row.id),
            "enrolledAt": row.enrolled_at,
            "lastSeen": row.last_seen,
            "revoked": row.revoked,
            "machine": row.machine or None,
            "copyOf": row.copy_of,
            "quarantined": row.quarantined,
            "warnings": warnings(row),
        }
        for row in rows
    ]
    return json_document({"agents": agents})


def _table(rows: Sequence[AgentRow], names: dict[str, str]) -> str:
    lines = table(
        ("POSTE", "SITE", "NOM", "MACHINE", "ENRÔLÉ", "VU", "ÉTAT"),
        [
            # The id to decide by; that of a copy names nobody.
            (own, row.finess, names.get(row.id), row.machine, row.enrolled_at, row.last_seen, _state(row))
            for row in rows
            for own in (row.copy_of or row.id,)
        ],
    )
    told = dict.fromkeys(one for row in rows for one in warnings(row))
    return lines + "".join(f"{one}\n" for one in told)


def _state(row: AgentRow) -> str:
    if row.revoked:
        return "remplacé" if row.copy_of else "révoqué"
    if row.quarantined:
        return "clone, en quarantaine"
    return "revenu en arrière" if row.went_back_at is not None else "admis"
