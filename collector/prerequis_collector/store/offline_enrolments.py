"""What was answered to machines that enrolled by a bundle, so that the same request is never answered twice anew."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from prerequis_collector.store.columns import Instant
from prerequis_collector.store.database import Transaction


class OfflineEnrolmentRow(SQLModel, table=True):
    """One request and its answer."""

    __tablename__ = "offline_enrolments"

    request: bytes = Field(primary_key=True)
    """SHA-256 of the certificate request, DER."""
    agent_id: str = Field(foreign_key="agents.id")
    answer: bytes
    """A serialised EnrolResponse."""
    answered_at: datetime = Field(sa_type=Instant)


class OfflineEnrolments:
    """The answers within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def find(self, request: bytes) -> OfflineEnrolmentRow | None:
        """Return what was answered to the request of this SHA-256, or None."""
        return self._transaction.get(OfflineEnrolmentRow, request)

    def add(self, row: OfflineEnrolmentRow) -> None:
        """Keep an answer; the agent of which it speaks is kept before."""
        self._transaction.add(row)
        self._transaction.flush()
