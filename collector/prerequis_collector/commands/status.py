"""`status`: what the collector holds and until when its authority is good; it may serve meanwhile."""

import argparse
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version

from prerequis.command_line import CommandLine, ExitCode
from prerequis_collector import config
from prerequis_collector.listing import Cell, json_document, shown
from prerequis_collector.opening import load_authority, load_rules, opened_database
from prerequis_collector.store import schema
from prerequis_collector.store.holdings import holdings
from prerequis_rules.age import warnings

HELP = "dit ce que le collecteur garde, même pendant qu'il sert"

_LINES = {
    "data": "Dossier",
    "version": "Version",
    "schema": "Format de la base",
    "databaseBytes": "Taille de la base",
    "packDigest": "Règles",
    "authorityExpires": "Fin de l'autorité",
    "sites": "Sites",
    "machines": "Postes",
    "revokedMachines": "Postes révoqués",
    "reports": "Rapports",
    "oldestReport": "Le plus ancien",
    "newestReport": "Le plus récent",
}


def configure(parser: CommandLine) -> None:
    """Add the arguments."""
    parser.add_argument("--json", action="store_true", help="un document JSON sur la sortie standard")


def run(arguments: argparse.Namespace) -> ExitCode:
    """Write the state on stdout; raises InvalidInput, SchemaMismatch, StorageUnavailable."""
    known = config.load(arguments.data)
    authority, pack = load_authority(known), load_rules(known)
    with opened_database(known) as database, database.read() as transaction:
        kept = holdings(transaction)
    found: dict[str, Cell] = {
        "data": str(known.data),
        "version": version("prerequis"),
        "schema": schema.HEAD,
        "databaseBytes": kept.size,
        "packDigest": pack.digest,
        "authorityExpires": authority.certificate.not_valid_after_utc,
        "sites": kept.sites,
        "machines": kept.machines,
        "revokedMachines": kept.revoked,
        "reports": kept.reports,
        "oldestReport": kept.oldest,
        "newestReport": kept.newest,
    }
    sys.stdout.write(json_document(found) if arguments.json else _text({**found, "databaseBytes": _size(kept.size)}))
    for warning in warnings(pack.knowledge, datetime.now(UTC).date()):
        sys.stderr.write(f"Attention : {warning}\n")
    return ExitCode.DONE


def _text(found: Mapping[str, Cell]) -> str:
    width = max(map(len, _LINES.values()))
    return "".join(f"{heading:<{width}}  {shown(found[key])}\n" for key, heading in _LINES.items())


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} Mo".replace(".", ",")
