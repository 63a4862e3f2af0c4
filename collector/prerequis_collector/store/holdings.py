"""How much is kept, counted in one view."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlmodel import col, func, select

from prerequis_collector.store.agents import AgentRow
from prerequis_collector.store.database import Transaction
from prerequis_collector.store.reports import ReportRow
from prerequis_collector.store.sites import SiteRow

_SIZE = {
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
    "postgresql": "SELECT pg_database_size(current_database())",
}


@dataclass(frozen=True, slots=True)
class Holdings:
    """What the database holds."""

    sites: int
    machines: int
    """Agents that are not revoked."""
    revoked: int
    reports: int
    oldest: datetime | None
    """When the machine of the oldest report was last found to be so."""
    newest: datetime | None
    size: int
    """Bytes of the database, without its write-ahead log."""


def holdings(transaction: Transaction) -> Holdings:
    """Return what is kept at this moment."""
    sites = transaction.exec(select(func.count()).select_from(SiteRow)).one()
    is_revoked = col(AgentRow.revoked)
    agents = dict(transaction.exec(select(is_revoked, func.count()).group_by(is_revoked)).all())
    moment = col(ReportRow.collected_at)
    reports, oldest, newest = transaction.exec(select(func.count(), func.min(moment), func.max(moment))).one()
    connection = transaction.connection()
    size = connection.execute(text(_SIZE[connection.dialect.name])).scalar_one()
    return Holdings(sites, agents.get(False, 0), agents.get(True, 0), reports, oldest, newest, size)
