"""What was ordered, so that it is not ordered twice."""

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Field, Index, SQLModel, col, func, select

from prerequis_collector.store.columns import Instant
from prerequis_collector.store.database import Transaction


class OrderRow(SQLModel, table=True):
    """One order of one article for one site."""

    __tablename__ = "orders"
    __table_args__ = (Index("ix_orders_site_item", "finess", "item"),)

    id: int | None = Field(default=None, primary_key=True)
    finess: str = Field(foreign_key="sites.finess")
    item: str
    quantity: int
    reference: str
    author: str
    recorded_at: datetime = Field(sa_type=Instant)


class Orders:
    """The orders within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, order: OrderRow) -> None:
        """Keep one more order."""
        self._transaction.add(order)
        self._transaction.flush()

    def quantities(self) -> Mapping[tuple[str, str], int]:
        """Return how many were ordered, by FINESS and article."""
        query = select(OrderRow.finess, OrderRow.item, func.sum(OrderRow.quantity))
        rows = self._transaction.exec(query.group_by(col(OrderRow.finess), col(OrderRow.item)))
        return {(finess, item): int(total) for finess, item, total in rows}
