"""Site tickets; the secret itself is never kept."""

from collections.abc import Sequence
from datetime import datetime
from uuid import uuid4

from sqlmodel import Field, SQLModel, col, select, update

from prerequis_collector.store.columns import Instant
from prerequis_collector.store.database import Transaction


class TicketRow(SQLModel, table=True):
    """The right to enrol a number of machines at one site until a date."""

    __tablename__ = "tickets"

    id: str = Field(default_factory=lambda: uuid4().hex, primary_key=True)
    secret_digest: bytes = Field(unique=True)
    """SHA-256 of the secret."""
    finess: str = Field(foreign_key="sites.finess", index=True)
    created_at: datetime = Field(sa_type=Instant)
    expires_at: datetime = Field(sa_type=Instant)
    uses_left: int
    revoked: bool = False


class Tickets:
    """The tickets within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, ticket: TicketRow) -> None:
        """Keep a new ticket."""
        self._transaction.add(ticket)
        self._transaction.flush()

    def all(self, finess: str | None = None) -> Sequence[TicketRow]:
        """Return every ticket, good or not, of one site or of all, by site then the newest first."""
        query = select(TicketRow).order_by(col(TicketRow.finess), col(TicketRow.created_at).desc(), col(TicketRow.id))
        return self._transaction.exec(query if finess is None else query.where(TicketRow.finess == finess)).all()

    def find(self, secret_digest: bytes) -> TicketRow | None:
        """Return the ticket, good or not, whose secret has this SHA-256."""
        return self._transaction.exec(select(TicketRow).where(TicketRow.secret_digest == secret_digest)).one_or_none()

    def use(self, secret_digest: bytes, now: datetime) -> str | None:
        """Count one use and return the ticket's site; None when it is unknown, expired, used up or revoked.

        One statement does it, so that two machines never share the last use.
        """
        counted = (
            update(TicketRow)
            .where(col(TicketRow.secret_digest) == secret_digest)
            .where(col(TicketRow.expires_at) > now)
            .where(col(TicketRow.uses_left) > 0)
            .where(col(TicketRow.revoked).is_(False))
            .values(uses_left=TicketRow.uses_left - 1)
            .returning(col(TicketRow.finess))
        )
        return self._transaction.exec(counted).scalar_one_or_none()

    def revoke(self, ticket_id: str) -> bool:
        """Revoke the ticket; return whether there is such a ticket."""
        revoked = update(TicketRow).where(col(TicketRow.id) == ticket_id).values(revoked=True)
        return self._transaction.exec(revoked).rowcount == 1
