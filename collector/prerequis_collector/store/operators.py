"""The people who read and decide, by their credential."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Field, SQLModel, col, select, update

from prerequis_collector.store.columns import Instant
from prerequis_collector.store.database import Transaction


class OperatorRow(SQLModel, table=True):
    """One operator; only the credential with this fingerprint is accepted."""

    __tablename__ = "operators"

    name: str = Field(primary_key=True)
    role: str
    fingerprint: bytes
    """SHA-256 of the certificate, DER."""
    created_at: datetime = Field(sa_type=Instant)
    organisation: str = ""
    """FINESS of the entité juridique whose sites are all that the operator may deal with; empty: every site."""
    revoked: bool = False


class Operators:
    """The operators within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def find(self, name: str) -> OperatorRow | None:
        """Return the operator, revoked or not, or None."""
        return self._transaction.get(OperatorRow, name)

    def all(self) -> Sequence[OperatorRow]:
        """Return every operator, revoked or not, by name."""
        return self._transaction.exec(select(OperatorRow).order_by(col(OperatorRow.name))).all()

    def add(self, operator: OperatorRow) -> None:
        """Keep a new operator."""
        self._transaction.add(operator)
        self._transaction.flush()

    def revoke(self, name: str) -> bool:
        """Revoke the operator; return whether there is such an operator."""
        revoked = update(OperatorRow).where(col(OperatorRow.name) == name).values(revoked=True)
        return self._transaction.exec(revoked).rowcount == 1
