"""`operator create`, `renew`, `list`, `revoke`: the people who read and decide, by their credential files."""

import argparse
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization

from prerequis.command_line import CommandLine, ExitCode
from prerequis_collector import config
from prerequis_collector.errors import AlreadyThere, InvalidInput, NotFound
from prerequis_collector.listing import json_document, table
from prerequis_collector.opening import load_authority, opened_database, write_secret
from prerequis_collector.services.audit import CONSOLE, note
from prerequis_collector.services.authority import key_pem, new_key
from prerequis_collector.services.identify import OPERATOR_ROLES
from prerequis_collector.services.register import check_finess
from prerequis_collector.services.revoke import revoke_operator
from prerequis_collector.services.toml import toml
from prerequis_collector.services.trust import given_pem
from prerequis_collector.store.database import Transaction
from prerequis_collector.store.operators import OperatorRow, Operators

HELP = "tient la liste des personnes qui consultent et décident"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)


def configure(parser: CommandLine) -> None:
    """Add the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION", title="actions")
    create = actions.add_parser("create", help="crée le fichier d'accès d'une personne")
    create.add_argument("name", metavar="NOM", help="identifiant : minuscules, chiffres, point, tiret")
    create.add_argument("--role", required=True, choices=[str(role) for role in OPERATOR_ROLES], help="ce qu'elle peut")
    create.add_argument(
        "--organisation",
        metavar="FINESS",
        help="FINESS juridique de l'organisme dont elle verra les sites ; sans : tous",
    )
    create.add_argument("--out", type=Path, required=True, metavar="FICHIER", help="fichier à écrire")
    renew = actions.add_parser("renew", help="donne à une personne un nouveau fichier d'accès, qui remplace l'ancien")
    renew.add_argument("name", metavar="NOM", help="identifiant, donné par « operator list »")
    renew.add_argument("--out", type=Path, required=True, metavar="FICHIER", help="fichier à écrire")
    listed = actions.add_parser("list", help="montre qui a un accès, révoqués compris")
    listed.add_argument("--json", action="store_true", help="un document JSON sur la sortie standard")
    revoke = actions.add_parser("revoke", help="retire l'accès d'une personne dès son prochain appel")
    revoke.add_argument("name", metavar="NOM", help="identifiant, donné par « operator list »")


def run(arguments: argparse.Namespace) -> ExitCode:
    """Do what was asked; raises InvalidInput, AlreadyThere, NotFound."""
    return {"create": _create, "renew": _renew, "list": _list, "revoke": _revoke}[arguments.action](arguments)


def _create(arguments: argparse.Namespace) -> ExitCode:
    """Write the credential; it counts only when its file is complete."""
    name: str = arguments.name
    if not _NAME.fullmatch(name):
        raise InvalidInput(f"« {name} » n'est pas un identifiant : minuscules, chiffres, point, tiret.")
    organisation = check_finess(arguments.organisation) if arguments.organisation else ""
    known, now = config.load(arguments.data), datetime.now(UTC)
    with opened_database(known) as database, database.write() as transaction:
        taken = Operators(transaction).find(name)
        if taken is not None and taken.revoked:
            raise AlreadyThere(f"L'identifiant « {name} », révoqué, ne sert plus à personne : en choisir un autre.")
        if taken is not None:
            raise AlreadyThere(f"L'identifiant « {name} » est déjà pris ; voir « prerequis-collector operator renew ».")
        made = _Credential(transaction, known, name, arguments.role, now)
        row = OperatorRow(
            name=name, role=arguments.role, fingerprint=made.fingerprint, created_at=now, organisation=organisation
        )
        Operators(transaction).add(row)
        note(transaction, CONSOLE, "operator.create", name, now, role=arguments.role, organisation=organisation)
        made.write(arguments.out)
    return ExitCode.DONE


def _renew(arguments: argparse.Namespace) -> ExitCode:
    """Write a new credential with the role and the sites of the old one, which is refused from then on."""
    name: str = arguments.name
    known, now = config.load(arguments.data), datetime.now(UTC)
    with opened_database(known) as database, database.write() as transaction:
        row = Operators(transaction).find(name)
        if row is None or row.revoked:
            raise NotFound(f"Personne n'a d'accès sous « {name} » ; voir « prerequis-collector operator list ».")
        made = _Credential(transaction, known, name, row.role, now)
        row.fingerprint = made.fingerprint
        Operators(transaction).add(row)
        note(transaction, CONSOLE, "operator.renew", name, now, role=row.role)
        made.write(arguments.out)
    return ExitCode.DONE


class _Credential:
    """What a person shows to the collector: a key and its certificate, made now."""

    def __init__(self, transaction: Transaction, known: config.Config, name: str, role: str, now: datetime) -> None:
        authority, key = load_authority(known), new_key()
        certificate = authority.issue_operator(key.public_key(), name, now)
        self.fingerprint = certificate.fingerprint(hashes.SHA256())
        self._role, self._until = role, certificate.not_valid_after_utc
        self._content = toml(
            {
                "collector": str(known.listening().listen),
                "name": name,
                "role": role,
                "expires": self._until,
                "authority": given_pem(transaction, authority),
                "certificate": certificate.public_bytes(serialization.Encoding.PEM).decode(),
                "key": key_pem(key).decode(),
            }
        )

    def write(self, path: Path) -> None:
        """Write the file, which must not exist, and say until when it holds."""
        write_secret(path, self._content.encode())
        until = f"{self._until:%d/%m/%Y}"
        sys.stderr.write(
            f"Accès « {self._role} » écrit dans {path}, jusqu'au {until} ; ce fichier vaut mot de passe.\n"
        )


def _list(arguments: argparse.Namespace) -> ExitCode:
    with opened_database(config.load(arguments.data)) as database, database.read() as transaction:
        rows = Operators(transaction).all()
    sys.stdout.write(_document(rows) if arguments.json else _table(rows))
    return ExitCode.DONE


def _revoke(arguments: argparse.Namespace) -> ExitCode:
    with opened_database(config.load(arguments.data)) as database, database.write() as transaction:
        revoke_operator(transaction, arguments.name, author=CONSOLE, now=datetime.now(UTC))
    sys.stderr.write(f"Accès de « {arguments.name} » révoqué.\n")
    return ExitCode.DONE


def _document(rows: Sequence[OperatorRow]) -> str:
    operators = [
        {
            "name": row.name,
            "role": row.role,
            "organisation": row.organisation or None,
            "createdAt": row.created_at,
            "revoked": row.revoked,
        }
        for row in rows
    ]
    return json_document({"operators": operators})


def _table(rows: Sequence[OperatorRow]) -> str:
    return table(
        ("NOM", "RÔLE", "ORGANISME", "CRÉÉ", "ÉTAT"),
        [
            (row.name, row.role, row.organisation or "tous", row.created_at, "révoqué" if row.revoked else "admis")
            for row in rows
        ],
    )
