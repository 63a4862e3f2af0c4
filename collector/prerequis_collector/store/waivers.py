"""Accepted deviations: proposed, approved, ended; none is ever deleted by hand."""

from collections.abc import Sequence
from datetime import datetime
from uuid import uuid4

from sqlalchemy import bindparam
from sqlmodel import Field, SQLModel, col, select

from prerequis_collector.store.columns import Instant
from prerequis_collector.store.database import Transaction


class WaiverRow(SQLModel, table=True):
    """One deviation of a site, or of one of its machines, from one rule."""

    __tablename__ = "waivers"

    id: str = Field(default_factory=lambda: uuid4().hex, primary_key=True)
    finess: str = Field(foreign_key="sites.finess", index=True)
    rule: str
    agent_id: str | None = Field(default=None, foreign_key="agents.id")
    """The machine; None for the site, or for each of its machines where the rule is one for machines."""
    reason: str
    author: str
    proposed_at: datetime = Field(sa_type=Instant)
    expires_at: datetime = Field(sa_type=Instant)
    approver: str | None = None
    approved_at: datetime | None = Field(default=None, sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)


# Composed once: that costs SQLAlchemy more than the database needs to answer, and whole parks are judged by it.
_APPROVED_OF_SITES = (
    select(WaiverRow)
    .where(
        col(WaiverRow.finess).in_(bindparam("sites", expanding=True)),
        col(WaiverRow.approver).is_not(None),
        col(WaiverRow.ended_at).is_(None),
    )
    .order_by(col(WaiverRow.id))
)


class Waivers:
    """The waivers within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, waiver: WaiverRow) -> None:
        """Keep a new waiver."""
        self._transaction.add(waiver)
        self._transaction.flush()

    def find(self, waiver_id: str) -> WaiverRow | None:
        """Return the waiver, in force or not, or None."""
        return self._transaction.get(WaiverRow, waiver_id)

    def all(self) -> Sequence[WaiverRow]:
        """Return every waiver, in force or not, the newest first."""
        return self._transaction.exec(
            select(WaiverRow).order_by(col(WaiverRow.proposed_at).desc(), col(WaiverRow.id))
        ).all()

    def of_site(self, finess: str) -> Sequence[WaiverRow]:
        """Return the site's waivers, in force or not, the newest first."""
        query = select(WaiverRow).where(WaiverRow.finess == finess)
        return self._transaction.exec(query.order_by(col(WaiverRow.proposed_at).desc(), col(WaiverRow.id))).all()

    def approved(self, finesses: Sequence[str]) -> Sequence[WaiverRow]:
        """Return the waivers of these sites that were approved and not ended; some may have expired."""
        return self._transaction.exec(_APPROVED_OF_SITES, params={"sites": finesses}).all()
