"""The audit trail: one row for each change that somebody made, each sealed with the digest of the one before.

A row is written with the change itself; it gets its number and its digest last, just before the commit, so that the
lock on the head of the chain is held for a moment only, and always taken after all others.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlmodel import Field, SQLModel, col, select

from prerequis_collector.errors import StorageUnavailable
from prerequis_collector.store.columns import Instant
from prerequis_collector.store.database import Transaction, before_commit

GENESIS = bytes(32)
"""What stands for the digest before the first."""


class AuditRow(SQLModel, table=True):
    """One change; number and digest are None only within the transaction that writes it."""

    __tablename__ = "audit"

    id: int | None = Field(default=None, primary_key=True)
    number: int | None = Field(default=None, unique=True)
    """Its place in the chain, from 1 on, without gaps."""
    at: datetime = Field(sa_type=Instant)
    author: str
    action: str
    subject: str
    detail: str
    """A JSON object."""
    digest: bytes | None = None
    """SHA-256 over the digest before and the row's own content."""


class AuditHeadRow(SQLModel, table=True):
    """Where the chain ends; a single row, whose lock puts those who lengthen the chain in a line."""

    __tablename__ = "audit_head"

    id: int = Field(default=1, primary_key=True)
    number: int
    digest: bytes


class Head(NamedTuple):
    """An entry's number and digest: who knows them can tell whether anything up to there has been changed."""

    number: int
    digest: bytes


class Entry(NamedTuple):
    """A row as it stands, which somebody may have filled with what the program never writes."""

    number: object
    row: AuditRow | None
    """None where it holds something else than the program would."""


def sealed(previous: bytes, number: int, row: AuditRow) -> bytes:
    """Return the digest of a row at this place of the chain."""
    at = row.at.astimezone(UTC).isoformat(timespec="microseconds")
    content = json.dumps([number, at, row.author, row.action, row.subject, row.detail], separators=(",", ":"))
    return hashlib.sha256(previous + content.encode()).digest()


class Audit:
    """The audit trail within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, row: AuditRow) -> None:
        """Write down a change of this transaction; both are kept, or neither."""
        self._transaction.add(row)
        self._transaction.flush()
        before_commit(self._transaction, _seal)

    def head(self) -> Head | None:
        """Return where the chain is said to end; None where that is not said, or in another form than the program's."""
        rows = list(self._found("number, digest", "audit_head"))
        return _head(rows[0][0], rows[0][1]) if len(rows) == 1 else None

    def all(self) -> Iterator[Entry]:
        """Give every row by its number, those that have none among them, a thousand at a time."""
        yield from map(_entry, self._found(_COLUMNS, "audit ORDER BY number"))

    def last(self, count: int) -> Sequence[Entry]:
        """Return so many rows of the end of the chain, the oldest first."""
        rows = map(_entry, self._found(_COLUMNS, "audit ORDER BY number DESC LIMIT :count", count=count))
        return list(rows)[::-1]

    def _found(self, columns: str, where: str, **values: int) -> Iterator[Sequence[object]]:
        """Give columns of rows, each as what the program writes there; None where something else is."""
        connection = self._transaction.connection()
        # What a column's type could not convert would keep the rest from being seen.
        asked = columns
        if connection.dialect.name == "sqlite":
            asked = ", ".join(_ONLY[_KINDS.get(name, "text")].format(name) for name in columns.split(", "))
        statement = text(f"SELECT {asked} FROM {where}")  # noqa: S608 – the words are ours
        yield from connection.execute(statement, values, execution_options={"yield_per": _AT_ONCE})


_AT_ONCE = 1000
_COLUMNS = "number, at, author, action, subject, detail, digest"
_KINDS = {"number": "integer", "digest": "blob"}
"""Of SQLite, whose columns hold anything; the others are text, moments too. PostgreSQL keeps to their types itself."""
_ONLY = {
    "integer": "CASE typeof({0}) WHEN 'integer' THEN {0} END",
    "blob": "CASE typeof({0}) WHEN 'blob' THEN {0} END",
    # Text that is none in Unicode would end the whole answer.
    "text": "CASE typeof({0}) WHEN 'text' THEN CAST({0} AS BLOB) END",
}


def _entry(values: Sequence[object]) -> Entry:
    number, at, *texts, digest = values
    try:
        moment = at if isinstance(at, datetime) else datetime.fromisoformat(_told(at))
        author, action, subject, detail = map(_told, texts)
    except ValueError:
        return Entry(number, None)
    if not isinstance(number, int) or not isinstance(digest, bytes):
        return Entry(number, None)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    row = AuditRow(
        number=number, at=moment, author=author, action=action, subject=subject, detail=detail, digest=digest
    )
    return Entry(number, row)


def _told(found: object) -> str:
    """Return what a column says; raises ValueError."""
    if isinstance(found, bytes):
        return found.decode()
    if not isinstance(found, str):
        raise ValueError("no text")
    return found


def _head(number: object, digest: object) -> Head | None:
    return Head(number, digest) if isinstance(number, int) and isinstance(digest, bytes) else None


def _seal(transaction: Transaction) -> None:
    """Put the rows of this transaction at the end of the chain."""
    new = transaction.exec(select(AuditRow).where(col(AuditRow.number).is_(None)).order_by(col(AuditRow.id))).all()
    if not new:
        return  # what was noted has been undone with its change
    locked = select(AuditHeadRow).with_for_update()
    heads = transaction.exec(locked, execution_options={"populate_existing": True}).all()
    if len(heads) != 1 or _head(heads[0].number, heads[0].digest) is None:
        raise StorageUnavailable(
            "La piste d'audit est abîmée, et rien ne change sans elle : voir « prerequis-collector audit verify »."
        )
    (head,) = heads
    for row in new:
        head.number += 1
        row.number, row.digest = head.number, sealed(head.digest, head.number, row)
        head.digest = row.digest
    transaction.flush()
