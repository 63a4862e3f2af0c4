"""What has been kept long enough, by class: counted, or deleted in transactions so short that others write between.

Deleting an agent deletes what refers to it, in whatever table: those are found by their foreign keys.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, Table, and_, delete, func, or_, select
from sqlmodel import SQLModel, col

from prerequis_collector.store import schema
from prerequis_collector.store.agents import AgentRow
from prerequis_collector.store.database import Transaction
from prerequis_collector.store.line_measurements import LineMeasurementRow
from prerequis_collector.store.reports import ReportRow
from prerequis_collector.store.site_services import SiteServicesRow
from prerequis_collector.store.tickets import TicketRow

_TOGETHER = 500
"""Rows deleted in one transaction."""


class Expired:
    """What is older than a moment, within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def count(self, before: datetime) -> Mapping[str, int]:
        """Return how many rows of each class were last of use before this moment."""
        connection = self._transaction.connection()
        return {
            name: connection.execute(select(func.count()).select_from(_table(model)).where(old)).scalar_one()
            for name, (model, old) in _classes(before).items()
        }

    def delete_some(self, name: str, before: datetime) -> int:
        """Delete some rows of the class and return how many; 0 when none is left."""
        model, old = _classes(before)[name]
        table = _table(model)
        (key,) = table.primary_key.columns
        connection = self._transaction.connection()
        keys = connection.scalars(select(key).where(old).limit(_TOGETHER)).all()
        if not keys:
            return 0
        for other in reversed(schema.metadata().sorted_tables):
            for column in other.columns:
                if column.references(key):
                    connection.execute(delete(other).where(column.in_(keys)))
        return connection.execute(delete(table).where(key.in_(keys))).rowcount


def _classes(before: datetime) -> Mapping[str, tuple[type[SQLModel], ColumnElement[bool]]]:
    """Return, by name, each class of what expires: its table, and which of its rows are too old."""
    silent = or_(
        col(AgentRow.last_seen) < before, and_(col(AgentRow.last_seen).is_(None), col(AgentRow.enrolled_at) < before)
    )
    return {
        "reports": (ReportRow, col(ReportRow.collected_at) < before),
        "line_measurements": (LineMeasurementRow, col(LineMeasurementRow.began_at) < before),
        # One row a site, which does not grow; but what a site reached so long ago says nothing of it any more.
        "site_services": (SiteServicesRow, col(SiteServicesRow.observed_at) < before),
        "revoked_agents": (AgentRow, and_(col(AgentRow.revoked).is_(True), silent)),
        "tickets": (TicketRow, col(TicketRow.expires_at) < before),
    }


def _table(model: type[SQLModel]) -> Table:
    return model.metadata.tables[str(model.__tablename__)]
