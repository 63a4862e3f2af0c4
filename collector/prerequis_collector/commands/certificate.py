"""`certificate renew`, `request`, `install`: the collector's own certificate, while it serves."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from prerequis.command_line import CommandLine, ExitCode
from prerequis.os_errors import why
from prerequis_collector import config
from prerequis_collector.config import Config
from prerequis_collector.errors import InvalidInput
from prerequis_collector.opening import (
    load_authority,
    opened_database,
    renew_server_identity,
    replace_secrets,
    write_secret,
)
from prerequis_collector.services.audit import CONSOLE, note
from prerequis_collector.services.authority import key_pem, new_key
from prerequis_collector.services.server_certificate import checked_chain, request_of

HELP = "renouvelle le certificat du collecteur, ou en pose un d'une autre autorité, sans l'arrêter"


def configure(parser: CommandLine) -> None:
    """Add the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION", title="actions")
    actions.add_parser("renew", help="fait un nouveau certificat, signé par l'autorité du collecteur")
    request = actions.add_parser("request", help="écrit une demande, à faire signer par l'autorité de l'organisme")
    request.add_argument("--out", type=Path, required=True, metavar="FICHIER", help="demande à écrire, PKCS#10 en PEM")
    install = actions.add_parser("install", help="pose le certificat que cette demande a donné")
    install.add_argument(
        "chain", type=Path, metavar="FICHIER", help="PEM : le certificat du collecteur, puis ses intermédiaires"
    )


def run(arguments: argparse.Namespace) -> ExitCode:
    """Do what was asked; raises InvalidInput, AlreadyThere, StorageUnavailable."""
    known, now = config.load(arguments.data), datetime.now(UTC)
    if arguments.action == "request":
        _request(known, arguments.out)
        return ExitCode.DONE
    ends = _install(known, arguments.chain, now) if arguments.action == "install" else _renew(known)
    with opened_database(known) as database, database.write() as transaction:
        note(transaction, CONSOLE, f"certificate.{arguments.action}", "", now, expires=ends.isoformat())
    sys.stderr.write(
        f"Certificat du collecteur valable jusqu'au {ends:%d/%m/%Y} ; s'il sert, il le montre dès la prochaine "
        "connexion. Les postes n'ont rien à changer.\n"
    )
    return ExitCode.DONE


def _renew(known: Config) -> datetime:
    return renew_server_identity(known, load_authority(known)).current().ends


def _request(known: Config, out: Path) -> None:
    """Write a request and keep its key for `install`; the one of an earlier request is forgotten."""
    key = new_key()
    write_secret(out, request_of(key, known.names))
    replace_secrets({known.requested_key: key_pem(key)})
    sys.stderr.write(
        f"Demande écrite dans {out} ; la clé ne quitte pas {known.data}. Une fois signée : « certificate install ».\n"
    )


def _install(known: Config, path: Path, now: datetime) -> datetime:
    try:
        key = serialization.load_pem_private_key(known.requested_key.read_bytes(), None)
    except FileNotFoundError:
        raise InvalidInput("Aucune demande n'attend de certificat : commencer par « certificate request ».") from None
    except (OSError, ValueError, TypeError) as error:
        raise InvalidInput(f"{known.requested_key} est illisible : refaire « certificate request ».") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise InvalidInput(f"{known.requested_key} est illisible : refaire « certificate request ».")
    try:
        pem = path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path} ne se lit pas : {why(error)}.") from error
    chain = checked_chain(pem, key, known.public_name, load_authority(known), now)
    replace_secrets(
        {
            known.server_key: key_pem(key),
            known.server_certificate: b"".join(one.public_bytes(Encoding.PEM) for one in chain),
        }
    )
    known.requested_key.unlink()
    return chain[0].not_valid_after_utc
