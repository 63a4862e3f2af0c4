"""`bundle import`: take what machines without a network hand in on a USB key, and answer them by the same way."""

import argparse
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from prerequis.command_line import CommandLine, ExitCode
from prerequis.os_errors import why
from prerequis.sealing import MOST_SEALED_BYTES
from prerequis.v1.bundle_pb2 import BundleAnswer
from prerequis.v1.report_pb2 import Receipt
from prerequis_collector import config
from prerequis_collector.errors import StorageUnavailable
from prerequis_collector.given_file import content_of
from prerequis_collector.opening import bundle_identity, load_authority, opened_database
from prerequis_collector.services.audit import CONSOLE
from prerequis_collector.services.authority import Authority
from prerequis_collector.services.bundle import open_bundle, signed, take
from prerequis_collector.store.database import Database, Transaction

HELP = "prend les rapports apportés sur une clé USB, même pendant qu'il sert"

T = TypeVar("T")


def configure(parser: CommandLine) -> None:
    """Add the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION", title="actions")
    brought = actions.add_parser(
        "import",
        help="garde les rapports d'un paquet, enrôle le poste s'il le demande, et écrit la réponse à rapporter",
    )
    brought.add_argument("file", type=Path, metavar="FICHIER", help="écrit par « prerequis-agent bundle export »")
    brought.add_argument("--answer", type=Path, metavar="FICHIER", help="où écrire la réponse (FICHIER.reponse)")


def run(arguments: argparse.Namespace) -> ExitCode:
    """Take the bundle and say what became of it; raises InvalidInput, TicketRefused, StorageUnavailable."""
    known, path, now = config.load(arguments.data), arguments.file, datetime.now(UTC)
    bundle = open_bundle(content_of(path, MOST_SEALED_BYTES), bundle_identity(known))
    authority: Authority = load_authority(known)
    with opened_database(known) as database:
        write = _writing(database)
        answer = take(bundle, authority, enrols=write, keeps=write, author=CONSOLE, now=now)
    target: Path = arguments.answer or path.with_name(f"{path.name}.reponse")
    try:
        target.write_bytes(signed(answer, authority, now).SerializeToString())
    except OSError as error:
        raise StorageUnavailable(
            f"Les rapports sont gardés, mais {target} ne s'écrit pas ({why(error)}) : relancer avec --answer."
        ) from error
    sys.stdout.write(_receipt(path, answer))
    sys.stdout.write(f"Réponse à rapporter au poste : prerequis-agent bundle import {target.name}\n")
    return ExitCode.REFUSED if any(one.state == Receipt.REFUSED for one in answer.receipts) else ExitCode.DONE


def _writing(database: Database) -> Callable[[Callable[[Transaction], T]], T]:
    def write(work: Callable[[Transaction], T]) -> T:
        with database.write() as transaction:
            return work(transaction)

    return write


def _receipt(path: Path, answer: BundleAnswer) -> str:
    """Return what is printed for whoever brought the bundle."""
    count = Counter(receipt.state for receipt in answer.receipts)
    lines = [f"Paquet {path.name}, reçu le {answer.answered_at.ToDatetime(UTC):%d/%m/%Y à %H:%M} UTC"]
    if answer.HasField("enrolment"):
        enrolment = answer.enrolment
        lines.append(f"Poste enrôlé : {enrolment.agent_id}, {enrolment.site_name} ({enrolment.finess})")
    lines.append(
        f"Rapports gardés : {count[Receipt.KEPT]}, déjà reçus : {count[Receipt.ALREADY_KEPT]}, "
        f"refusés : {count[Receipt.REFUSED]}"
    )
    lines += [f"  {one.digest.hex()[:16]} refusé : {one.reason}" for one in answer.receipts if one.reason]
    return "".join(f"{line}\n" for line in lines)
