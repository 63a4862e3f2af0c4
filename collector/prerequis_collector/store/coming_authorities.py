"""The authorities by which the collector will be known, beside its own."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Field, SQLModel, col, delete, select

from prerequis_collector.store.columns import Instant
from prerequis_collector.store.database import Transaction, insert_new


class ComingAuthorityRow(SQLModel, table=True):
    """One root that may sign for the collector once every machine knows it."""

    __tablename__ = "coming_authorities"

    fingerprint: str = Field(primary_key=True)
    """SHA-256 of the certificate, in hexadecimal."""
    certificate: bytes
    """DER."""
    announced_at: datetime = Field(sa_type=Instant)


class ComingAuthorities:
    """The authorities to come within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def all(self) -> Sequence[ComingAuthorityRow]:
        """Return them, the first announced first."""
        query = select(ComingAuthorityRow)
        ordered = query.order_by(col(ComingAuthorityRow.announced_at), col(ComingAuthorityRow.fingerprint))
        return self._transaction.exec(ordered).all()

    def add(self, row: ComingAuthorityRow) -> bool:
        """Keep one; return False when it was there."""
        return insert_new(self._transaction, ComingAuthorityRow, row.model_dump())

    def remove(self, fingerprint: str) -> bool:
        """Forget one; return whether it was there."""
        of_it = delete(ComingAuthorityRow).where(col(ComingAuthorityRow.fingerprint) == fingerprint)
        return bool(self._transaction.exec(of_it).rowcount)
