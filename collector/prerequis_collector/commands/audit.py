"""`audit verify` and `audit list`: who changed what, and whether that record was touched."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from prerequis.command_line import CommandLine, ExitCode
from prerequis.os_errors import why
from prerequis_collector import config
from prerequis_collector.errors import InvalidInput, StorageUnavailable
from prerequis_collector.listing import json_document, table
from prerequis_collector.opening import opened_database
from prerequis_collector.services.audit import Verification, anchor_text, parse_anchor, verify
from prerequis_collector.store.audit import Audit, Entry, Head

HELP = "montre qui a changé quoi, et vérifie que cette trace est intacte"

_USUAL, _MOST = 50, 1_000_000


def configure(parser: CommandLine) -> None:
    """Add the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION", title="actions")
    verified = actions.add_parser(
        "verify", help="recalcule toute la piste ; sort avec 1 si une entrée a été modifiée, ôtée, ajoutée ou déplacée"
    )
    verified.add_argument(
        "--anchor", metavar="TÊTE", help="tête notée ailleurs (papier, coffre) par une vérification précédente"
    )
    listed = actions.add_parser("list", help="montre les derniers changements")
    listed.add_argument("--last", type=int, default=_USUAL, metavar="N", help=f"combien ({_USUAL})")
    for action in (verified, listed):
        action.add_argument("--json", action="store_true", help="un document JSON sur la sortie standard")


def run(arguments: argparse.Namespace) -> ExitCode:
    """Verify or list; raises InvalidInput, SchemaMismatch, StorageUnavailable."""
    return _verify(arguments) if arguments.action == "verify" else _list(arguments)


def _verify(arguments: argparse.Namespace) -> ExitCode:
    known = config.load(arguments.data)
    noted = known.data / "audit.head"
    anchors = [parse_anchor(arguments.anchor)] if arguments.anchor else []
    anchors += [_noted(noted)] if noted.exists() else []
    with opened_database(known) as database, database.read() as transaction:
        found = verify(transaction, *anchors)
    if not found.faults:
        _note(noted, found.head)
    sys.stdout.write(json_document(_document(found)) if arguments.json else _text(found))
    return ExitCode.FINDING if found.faults else ExitCode.DONE


def _noted(path: Path) -> Head:
    """Return the head of the verification before; raises InvalidInput."""
    try:
        return parse_anchor(path.read_text())
    except (OSError, UnicodeDecodeError, InvalidInput) as error:
        raise InvalidInput(
            f"{path}, où la dernière vérification a noté la tête de la piste, est abîmé : le supprimer, et relancer "
            "avec --anchor et la tête notée ailleurs."
        ) from error


def _note(path: Path, head: Head) -> None:
    """Note the head beside the database, which may be on another machine, for the next verification."""
    new = path.with_suffix(".new")
    try:
        new.write_text(anchor_text(head) + "\n")
        new.replace(path)
    except OSError as error:
        raise StorageUnavailable(f"Impossible d'écrire {path} : {why(error)}.") from error


def _document(found: Verification) -> dict[str, object]:
    return {
        "ok": not found.faults,
        "entries": found.head.number,
        "head": anchor_text(found.head),
        "faults": list(found.faults),
    }


def _text(found: Verification) -> str:
    if found.faults:
        return "".join(f"✘ {fault}\n" for fault in found.faults)
    return (
        f"Piste d'audit intacte ; entrées : {found.head.number}. Noter sa tête hors de cette machine :\n"
        f"{anchor_text(found.head)}\n"
    )


def _list(arguments: argparse.Namespace) -> ExitCode:
    with opened_database(config.load(arguments.data)) as database, database.read() as transaction:
        found = Audit(transaction).last(min(max(0, arguments.last), _MOST))
    sys.stdout.write(json_document({"entries": _entries(found)}) if arguments.json else _table(found))
    unreadable = sum(row is None for _, row in found)
    if unreadable:
        sys.stderr.write(
            f"Entrées qui ne se lisent plus : {unreadable} ; lancer « prerequis-collector audit verify ».\n"
        )
    return ExitCode.DONE


def _entries(entries: Sequence[Entry]) -> list[dict[str, object]]:
    return [
        {
            "number": row.number,
            "at": row.at,
            "author": row.author,
            "action": row.action,
            "subject": row.subject,
            "detail": _detail(row.detail),
            "digest": row.digest.hex() if row.digest else None,
        }
        for _, row in entries
        if row is not None
    ]


def _detail(text: str) -> object:
    """Return what the text says in JSON, or the text itself where somebody wrote something else."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _table(entries: Sequence[Entry]) -> str:
    return table(
        ("N°", "QUAND", "QUI", "QUOI", "SUR", "DÉTAIL"),
        [
            (row.number, row.at, row.author, row.action, row.subject, row.detail)
            for _, row in entries
            if row is not None
        ],
    )
