"""What every machine last handed in, read in one statement; few rows are held at a time."""

from collections.abc import Iterator

from sqlmodel import col, select

from prerequis_collector.store.agents import AgentRow
from prerequis_collector.store.database import Transaction
from prerequis_collector.store.packing import unpacked
from prerequis_collector.store.reports import ReportRow


def newest_bodies(transaction: Transaction, finess: str | None = None) -> Iterator[tuple[str, bytes]]:
    """Give the id of each agent of one site or of all that is not revoked and has reported, and its newest report."""
    newest = (
        select(ReportRow.digest)
        .where(ReportRow.agent_id == AgentRow.id)
        .order_by(col(ReportRow.collected_at).desc(), col(ReportRow.received_at).desc())
        .limit(1)
        .correlate(AgentRow)
        .scalar_subquery()
    )
    query = (
        select(AgentRow.id, ReportRow.compressed)
        .join(ReportRow, col(ReportRow.digest) == newest)
        .where(col(AgentRow.revoked).is_(False))
    )
    found = query if finess is None else query.where(AgentRow.finess == finess)
    for agent_id, kept in transaction.exec(found.execution_options(yield_per=1000)):
        yield agent_id, unpacked(kept)
