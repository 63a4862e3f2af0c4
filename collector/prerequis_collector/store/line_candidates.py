"""The machines that could measure their site's line, and how each reaches its network."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Field, SQLModel, col, select

from prerequis_collector.store.agents import AgentRow
from prerequis_collector.store.columns import Instant
from prerequis_collector.store.database import Transaction


class LineCandidateRow(SQLModel, table=True):
    """One machine as it last said; unset is not known."""

    __tablename__ = "line_candidates"

    agent_id: str = Field(primary_key=True, foreign_key="agents.id")
    finess: str = Field(foreign_key="sites.finess", index=True)
    wireless: bool | None = None
    metered: bool | None = None
    seen_at: datetime = Field(sa_type=Instant)


class LineCandidates:
    """The candidates within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def find(self, agent_id: str) -> LineCandidateRow | None:
        """Return what the machine last said, or None."""
        return self._transaction.get(LineCandidateRow, agent_id)

    def save(self, candidate: LineCandidateRow) -> None:
        """Keep what the machine says now; what it does not say stays as it was."""
        known = self.find(candidate.agent_id)
        if known is not None and known.finess == candidate.finess:
            candidate.wireless = known.wireless if candidate.wireless is None else candidate.wireless
            candidate.metered = known.metered if candidate.metered is None else candidate.metered
        self._transaction.merge(candidate)
        self._transaction.flush()

    def of_site(self, finess: str, seen_after: datetime) -> Sequence[LineCandidateRow]:
        """Return the site's machines that were heard of since, in id order, but the revoked and those in quarantine."""
        query = (
            select(LineCandidateRow)
            .join(AgentRow, col(AgentRow.id) == LineCandidateRow.agent_id)
            .where(
                LineCandidateRow.finess == finess,
                col(LineCandidateRow.seen_at) > seen_after,
                col(AgentRow.revoked).is_(False),
                col(AgentRow.quarantined).is_(False),
            )
        )
        return self._transaction.exec(query.order_by(col(LineCandidateRow.agent_id))).all()
