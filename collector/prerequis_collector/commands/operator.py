"""`operator create`: make the credential file of a person who reads and decides."""

import argparse
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization

from prerequis.command_line import CommandLine, ExitCode
from prerequis_collector import config
from prerequis_collector.errors import AlreadyThere, InvalidInput
from prerequis_collector.opening import load_authority, opened_database, write_secret
from prerequis_collector.services.authority import key_pem, new_key
from prerequis_collector.services.identify import OPERATOR_ROLES
from prerequis_collector.services.toml import toml
from prerequis_collector.store.operators import OperatorRow, Operators

HELP = "tient la liste des personnes qui consultent et décident"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)


def configure(parser: CommandLine) -> None:
    """Add the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION", title="actions")
    create = actions.add_parser("create", help="crée le fichier d'accès d'une personne")
    create.add_argument("name", metavar="NOM", help="identifiant : minuscules, chiffres, point, tiret")
    create.add_argument("--role", required=True, choices=[str(role) for role in OPERATOR_ROLES], help="ce qu'elle peut")
    create.add_argument("--out", type=Path, required=True, metavar="FICHIER", help="fichier à écrire")


def run(arguments: argparse.Namespace) -> ExitCode:
    """Write the credential; it counts only when its file is complete. Raises InvalidInput, AlreadyThere."""
    name: str = arguments.name
    if not _NAME.fullmatch(name):
        raise InvalidInput(f"« {name} » n'est pas un identifiant : minuscules, chiffres, point, tiret.")
    known = config.load(arguments.data)
    authority, where, now = load_authority(known), known.listening(), datetime.now(UTC)
    key = new_key()
    certificate = authority.issue_operator(key.public_key(), name, now)
    content = toml(
        {
            "collector": str(where.listen),
            "name": name,
            "role": arguments.role,
            "authority": authority.certificate_pem().decode(),
            "certificate": certificate.public_bytes(serialization.Encoding.PEM).decode(),
            "key": key_pem(key).decode(),
        }
    )
    fingerprint = certificate.fingerprint(hashes.SHA256())
    with opened_database(known) as database, database.write() as transaction:
        if Operators(transaction).find(name) is not None:
            raise AlreadyThere(f"L'identifiant « {name} » est déjà pris.")
        Operators(transaction).add(OperatorRow(name=name, role=arguments.role, fingerprint=fingerprint, created_at=now))
        write_secret(arguments.out, content.encode())
    sys.stderr.write(f"Accès « {arguments.role} » écrit dans {arguments.out} ; ce fichier vaut mot de passe.\n")
    return ExitCode.DONE
