"""The audit trail: one row for each change that somebody made, each sealed with the digest of the one before.

A row is written with the change itself; it gets its number and its digest last, just before the commit, so that the
lock on the head of the chain is held for a moment only, and always taken after all others.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from sqlmodel import Field, SQLModel, col, func, select

from prerequis_collector.store.columns import Instant
from prerequis_collector.store.database import Transaction, before_commit

GENESIS = bytes(32)
"""What stands for the digest before the first."""

_AT_ONCE = 1000


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

    def head(self) -> Head:
        """Return where the chain is said to end."""
        row = self._transaction.exec(select(AuditHeadRow)).one()
        return Head(row.number, row.digest)

    def all(self) -> Iterator[AuditRow]:
        """Give the whole chain in its order, a thousand rows at a time."""
        query = select(AuditRow).where(col(AuditRow.number).is_not(None)).order_by(col(AuditRow.number))
        yield from self._transaction.exec(query, execution_options={"yield_per": _AT_ONCE})

    def last(self, count: int) -> Sequence[AuditRow]:
        """Return so many rows of the end of the chain, the oldest first."""
        rows = self._transaction.exec(select(AuditRow).order_by(col(AuditRow.number).desc()).limit(count)).all()
        return rows[::-1]

    def unsealed(self) -> int:
        """Return how many rows stand outside the chain: the program itself commits none."""
        outside = select(func.count()).select_from(AuditRow).where(col(AuditRow.number).is_(None))
        return self._transaction.exec(outside).one()


def _seal(transaction: Transaction) -> None:
    """Put the rows of this transaction at the end of the chain."""
    new = transaction.exec(select(AuditRow).where(col(AuditRow.number).is_(None)).order_by(col(AuditRow.id))).all()
    if not new:
        return  # what was noted has been undone with its change
    head = transaction.exec(select(AuditHeadRow).with_for_update(), execution_options={"populate_existing": True}).one()
    for row in new:
        head.number += 1
        row.number, row.digest = head.number, sealed(head.digest, head.number, row)
        head.digest = row.digest
    transaction.flush()
