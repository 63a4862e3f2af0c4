"""What agents handed in, as they signed it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, case
from sqlmodel import Field, Index, SQLModel, col, select, update

from prerequis_collector.store.agents import AgentRow
from prerequis_collector.store.batches import insert_reports, known_digests
from prerequis_collector.store.columns import Instant
from prerequis_collector.store.database import Transaction
from prerequis_collector.store.packing import unpacked


class ReportRow(SQLModel, table=True):
    """One report, known by the SHA-256 of its bytes."""

    __tablename__ = "reports"
    __table_args__ = (Index("ix_reports_newest", "agent_id", "collected_at"),)

    digest: bytes = Field(primary_key=True)
    agent_id: str = Field(foreign_key="agents.id")
    finess: str = Field(foreign_key="sites.finess")
    """The agent's site when the report came in."""
    collected_at: datetime = Field(sa_type=Instant)
    """When the machine was last found to be so; the report itself says when it was first."""
    received_at: datetime = Field(sa_type=Instant)
    compressed: bytes
    """The serialised Report, packed."""
    signature: bytes

    @property
    def body(self) -> bytes:
        """Return the bytes that were signed."""
        return unpacked(self.compressed)


# Composed once: that costs SQLAlchemy more than the database needs to answer, and whole parks are judged by these.
_STANDING_OF_SITE = (AgentRow.finess == bindparam("site"), col(AgentRow.revoked).is_(False))

_OF_SITE = (
    select(ReportRow)
    .join(AgentRow, col(ReportRow.agent_id) == AgentRow.id)
    .where(*_STANDING_OF_SITE)
    .order_by(col(ReportRow.agent_id), col(ReportRow.collected_at), col(ReportRow.received_at))
)

_NEWEST_OF_SITE = (
    select(ReportRow)
    .join(
        AgentRow,
        col(ReportRow.digest)
        == select(ReportRow.digest)
        .where(ReportRow.agent_id == AgentRow.id)
        .order_by(col(ReportRow.collected_at).desc(), col(ReportRow.received_at).desc())
        .limit(1)
        .correlate(AgentRow)
        .scalar_subquery(),
    )
    .where(*_STANDING_OF_SITE)
    .order_by(col(AgentRow.id))
)


class NewReport(NamedTuple):
    """A report to keep: the columns of its row, without the cost of one."""

    digest: bytes
    agent_id: str
    finess: str
    collected_at: datetime
    received_at: datetime
    compressed: bytes
    signature: bytes


class Reports:
    """The reports within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def find(self, digest: bytes) -> ReportRow | None:
        """Return the report whose bytes have this SHA-256, or None."""
        return self._transaction.get(ReportRow, digest)

    def keep(self, report: NewReport) -> bool:
        """Keep the report; return False when it was kept before, and then change nothing."""
        return bool(self.keep_all([report]))

    def keep_all(self, reports: Collection[NewReport]) -> frozenset[bytes]:
        """Keep the reports that were not kept before and return their digests.

        Whoever hands in reports of an agent holds its row (`Agents.standing`), so that nobody comes between.
        """
        given = {report.digest: report for report in reports}
        new = given.keys() - known_digests(self._transaction, given) if given else set[bytes]()
        if new:
            insert_reports(self._transaction, [given[digest] for digest in new])
        return frozenset(new)

    def confirm(self, agent_id: str, digest: bytes, collected_at: datetime, received_at: datetime) -> bool:
        """Note that the agent's newest report was found to hold later; return False when it is not this one."""
        mine = select(ReportRow.digest).where(ReportRow.agent_id == agent_id)
        newest = mine.order_by(col(ReportRow.collected_at).desc(), col(ReportRow.received_at).desc()).limit(1)
        if self._transaction.exec(newest).first() != digest:
            return False
        noted = update(ReportRow).where(col(ReportRow.digest) == digest, col(ReportRow.collected_at) <= collected_at)
        return self._transaction.exec(noted.values(collected_at=collected_at, received_at=received_at)).rowcount == 1

    def exchange(self, one: str, other: str) -> None:
        """Give each of two agents the reports of the other."""
        holder = case((col(ReportRow.agent_id) == one, other), else_=one)
        self._transaction.exec(
            update(ReportRow).where(col(ReportRow.agent_id).in_((one, other))).values(agent_id=holder)
        )

    def of_site(self, finess: str) -> Sequence[ReportRow]:
        """Return every report of the site's agents that are not revoked, in agent order, each agent's oldest first."""
        return self._transaction.exec(_OF_SITE, params={"site": finess}).all()

    def newest_of_site(self, finess: str) -> Sequence[ReportRow]:
        """Return the newest report of each of the site's agents that are not revoked, in agent order."""
        return self._transaction.exec(_NEWEST_OF_SITE, params={"site": finess}).all()
