"""`certificate renew`, `request`, `install`, `announce`…: the collector's own certificate, while it serves."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from prerequis.command_line import CommandLine, ExitCode
from prerequis.os_errors import why
from prerequis_collector import config
from prerequis_collector.config import Config
from prerequis_collector.errors import InvalidInput
from prerequis_collector.listing import json_document, table
from prerequis_collector.opening import (
    load_authority,
    opened_database,
    renew_server_identity,
    replace_secrets,
    write_secret,
)
from prerequis_collector.services.audit import CONSOLE, note
from prerequis_collector.services.authority import Authority, key_pem, new_key
from prerequis_collector.services.server_certificate import checked_chain, leads_to, request_of
from prerequis_collector.services.trust import announce, given, left_behind, withdraw
from prerequis_collector.store.database import Transaction

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
    install.add_argument(
        "--leave-behind",
        action="store_true",
        help="même si des postes ignorent encore son autorité : ils seront à enrôler de nouveau",
    )
    announce = actions.add_parser("announce", help="fait connaître aux postes une autorité racine à venir")
    announce.add_argument("root", type=Path, metavar="FICHIER", help="PEM : le certificat de cette autorité")
    withdraw = actions.add_parser("withdraw", help="retire une autorité annoncée")
    withdraw.add_argument("fingerprint", metavar="SHA256", help="son empreinte, ou le début")
    listed = actions.add_parser("authorities", help="montre par quelles autorités les postes connaissent le collecteur")
    listed.add_argument("--json", action="store_true", help="un document JSON sur la sortie standard")


def run(arguments: argparse.Namespace) -> ExitCode:
    """Do what was asked; raises InvalidInput, NotFound, AlreadyThere, StorageUnavailable."""
    known, now = config.load(arguments.data), datetime.now(UTC)
    if arguments.action == "request":
        _request(known, arguments.out)
        return ExitCode.DONE
    with opened_database(known) as database:
        if arguments.action == "authorities":
            with database.read() as transaction:
                sys.stdout.write(_authorities(transaction, load_authority(known), now, as_json=arguments.json))
            return ExitCode.DONE
        with database.write() as transaction:
            said = _change(transaction, known, arguments, now)
    sys.stderr.write(f"{said}\n")
    return ExitCode.DONE


def _change(transaction: Transaction, known: Config, arguments: argparse.Namespace, now: datetime) -> str:
    """Do what was asked, and return what was done in a sentence or two."""
    authority = load_authority(known)
    match arguments.action:
        case "announce":
            announced = announce(transaction, authority, _read(arguments.root), author=CONSOLE, now=now)
            return "".join(f"Autorité {fingerprint} annoncée.\n" for fingerprint in announced) + (
                "Chaque poste l'apprend à sa prochaine observation ; « certificate authorities » dit combien "
                "l'ignorent. Avant « certificate install », refaire les accès (« operator renew ») et les tickets non "
                "employés."
            )
        case "withdraw":
            served = _served(known)
            gone = withdraw(
                transaction, authority, arguments.fingerprint, served, known.public_name, author=CONSOLE, now=now
            )
            return f"Autorité {gone} retirée : chaque poste l'oublie à sa prochaine observation."
        case "install":
            ends = _install(transaction, known, arguments.chain, now, leave_behind=arguments.leave_behind)
        case _:
            ends = renew_server_identity(known, authority).current().ends
    note(transaction, CONSOLE, f"certificate.{arguments.action}", "", now, expires=ends.isoformat())
    return (
        f"Certificat du collecteur valable jusqu'au {ends:%d/%m/%Y} ; s'il sert, il le montre dès la prochaine "
        "connexion. Les postes n'ont rien à changer."
    )


def _served(known: Config) -> list[x509.Certificate]:
    """Return the certificates that the collector shows, its own first; none before it has served."""
    try:
        return x509.load_pem_x509_certificates(known.server_certificate.read_bytes())
    except (OSError, ValueError):
        return []


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path} ne se lit pas : {why(error)}.") from error


def _authorities(transaction: Transaction, authority: Authority, now: datetime, *, as_json: bool) -> str:
    own, behind = len(authority.trusted), left_behind(transaction, authority, now)
    found = [x509.load_der_x509_certificate(one) for one in given(transaction, authority)]
    rows = [
        (one.fingerprint(hashes.SHA256()).hex(), one.not_valid_after_utc, place >= own)
        for place, one in enumerate(found)
    ]
    if as_json:
        keys = ("fingerprint", "expires", "announced")
        return json_document(
            {"authorities": [dict(zip(keys, row, strict=True)) for row in rows], "machinesBehind": behind}
        )
    shown = [(fingerprint, ends, "annoncée" if announced else "de « init »") for fingerprint, ends, announced in rows]
    told = f"Postes qui n'ont pas encore dit les connaître toutes : {behind}.\n"
    return table(("AUTORITÉ (SHA-256)", "EXPIRE", "ÉTAT"), shown) + told


def _request(known: Config, out: Path) -> None:
    """Write a request and keep its key for `install`; the one of an earlier request is forgotten."""
    key = new_key()
    write_secret(out, request_of(key, known.names))
    replace_secrets({known.requested_key: key_pem(key)})
    sys.stderr.write(
        f"Demande écrite dans {out} ; la clé ne quitte pas {known.data}. Une fois signée : « certificate install ».\n"
    )


def _install(transaction: Transaction, known: Config, path: Path, now: datetime, *, leave_behind: bool) -> datetime:
    try:
        key = serialization.load_pem_private_key(known.requested_key.read_bytes(), None)
    except FileNotFoundError:
        raise InvalidInput("Aucune demande n'attend de certificat : commencer par « certificate request ».") from None
    except (OSError, ValueError, TypeError) as error:
        raise InvalidInput(f"{known.requested_key} est illisible : refaire « certificate request ».") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise InvalidInput(f"{known.requested_key} est illisible : refaire « certificate request ».")
    authority, name = load_authority(known), known.public_name
    everybody = [x509.load_der_x509_certificate(one) for one in given(transaction, authority)]
    chain = checked_chain(_read(path), key, name, everybody, now)
    if not leave_behind and not leads_to(chain, name, authority.trusted, now):
        behind = left_behind(transaction, authority, now)
        if behind:
            raise InvalidInput(
                "Postes qui ignorent encore l'autorité de ce certificat, et ne joindraient plus le collecteur : "
                f"{behind}. Attendre leur prochaine observation, ou --leave-behind pour les enrôler de nouveau ensuite."
            )
    replace_secrets(
        {
            known.server_key: key_pem(key),
            known.server_certificate: b"".join(one.public_bytes(Encoding.PEM) for one in chain),
        }
    )
    known.requested_key.unlink()
    return chain[0].not_valid_after_utc
