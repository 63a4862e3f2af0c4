"""`status`: what the collector holds and until when its authority is good; it may serve meanwhile."""

import argparse
import shutil
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version

from cryptography import x509

from prerequis.command_line import CommandLine, ExitCode
from prerequis_collector import config
from prerequis_collector.api.access import HEALTH
from prerequis_collector.config import Address, Config, Listening
from prerequis_collector.errors import InvalidInput
from prerequis_collector.listing import Cell, json_document, shown
from prerequis_collector.opening import load_authority, load_rules, opened_database
from prerequis_collector.services.authority import MALFORMED
from prerequis_collector.services.trust import given_pem
from prerequis_collector.store import schema
from prerequis_collector.store.holdings import holdings
from prerequis_rules.age import warnings

HELP = "dit ce que le collecteur garde, même pendant qu'il sert"

_LINES = {
    "serving": "Sert",
    "listen": "Répond sur",
    "data": "Dossier",
    "freeBytes": "Place libre",
    "version": "Version",
    "schema": "Format de la base",
    "databaseBytes": "Taille de la base",
    "packDigest": "Règles",
    "authorityExpires": "Fin de l'autorité",
    "certificateExpires": "Fin du certificat",
    "sites": "Sites",
    "machines": "Postes",
    "revokedMachines": "Postes révoqués",
    "reports": "Rapports",
    "oldestReport": "Le plus ancien",
    "newestReport": "Le plus récent",
}

_PATIENCE_SECONDS = 5.0


def configure(parser: CommandLine) -> None:
    """Add the arguments."""
    parser.add_argument("--json", action="store_true", help="un document JSON sur la sortie standard")


def run(arguments: argparse.Namespace) -> ExitCode:
    """Write the state on stdout; raises InvalidInput, SchemaMismatch, StorageUnavailable."""
    known = config.load(arguments.data)
    authority, pack = load_authority(known), load_rules(known)
    with opened_database(known) as database, database.read() as transaction:
        kept, trusted = holdings(transaction), given_pem(transaction, authority).encode()
    where = _listening(known)
    found: dict[str, Cell] = {
        "serving": where is not None and _serving(trusted, where.enrolment),
        "listen": None if where is None else str(where.listen),
        "data": str(known.data),
        "freeBytes": shutil.disk_usage(known.data).free,
        "version": version("prerequis"),
        "schema": schema.HEAD,
        "databaseBytes": kept.size,
        "packDigest": pack.digest,
        "authorityExpires": authority.certificate.not_valid_after_utc,
        "certificateExpires": _certificate_expires(known),
        "sites": kept.sites,
        "machines": kept.machines,
        "revokedMachines": kept.revoked,
        "reports": kept.reports,
        "oldestReport": kept.oldest,
        "newestReport": kept.newest,
    }
    sys.stdout.write(json_document(found) if arguments.json else _text(found))
    for warning in warnings(pack.knowledge, datetime.now(UTC).date()):
        sys.stderr.write(f"Attention : {warning}\n")
    return ExitCode.DONE


def _listening(known: Config) -> Listening | None:
    """Return where the collector listens; None, and a warning on stderr, when its note of it is damaged."""
    try:
        return known.listening()
    except InvalidInput as error:
        sys.stderr.write(f"Attention : {error}\n")
        return None


def _serving(trusted: bytes, where: Address) -> bool:
    """Return whether a collector that these authorities vouch for answers here, and its database too."""
    import grpc
    from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

    credentials = grpc.ssl_channel_credentials(trusted)
    try:
        with grpc.secure_channel(str(where), credentials, options=(("grpc.enable_http_proxy", 0),)) as channel:
            check: grpc.UnaryUnaryMultiCallable[HealthCheckRequest, HealthCheckResponse] = channel.unary_unary(
                HEALTH, HealthCheckRequest.SerializeToString, HealthCheckResponse.FromString
            )
            answer = check(HealthCheckRequest(), timeout=_PATIENCE_SECONDS)
    except grpc.RpcError:
        return False
    return bool(answer.status == HealthCheckResponse.SERVING)


def _certificate_expires(known: Config) -> datetime | None:
    """Return until when the certificate with which the collector last served is good; None when it has none to show."""
    try:
        return x509.load_pem_x509_certificate(known.server_certificate.read_bytes()).not_valid_after_utc
    except (OSError, *MALFORMED):  # never served, or damaged: `serve` makes another
        return None


def _text(found: Mapping[str, Cell]) -> str:
    width = max(map(len, _LINES.values()))
    told = {
        **found,
        "serving": "oui" if found["serving"] else "non",
        "databaseBytes": _size(found["databaseBytes"]),
        "freeBytes": _size(found["freeBytes"]),
    }
    return "".join(f"{heading:<{width}}  {shown(told[key])}\n" for key, heading in _LINES.items())


def _size(size: Cell) -> str:
    return f"{int(str(size)) / 1e6:.1f} Mo".replace(".", ",")
