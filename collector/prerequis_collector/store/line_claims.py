"""Who loads which line now: one claim for each place, worth nothing once its time is over."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Field, SQLModel, col, delete, or_, select, update

from prerequis_collector.store.columns import Instant
from prerequis_collector.store.database import Transaction


class LineClaimRow(SQLModel, table=True):
    """One place, a site or an egress address, that a machine may load."""

    __tablename__ = "line_claims"

    place: str = Field(primary_key=True)
    measurement: str = Field(index=True)
    """The measurement that the claim is for; a machine that measures holds one claim for each of its places."""
    agent_id: str
    holder: str
    """The collector that gave the lease, and alone knows how many bytes it still has."""
    expires_at: datetime = Field(sa_type=Instant)


class LineClaims:
    """The claims within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def take(self, claim: LineClaimRow, now: datetime) -> bool:
        """Claim the place; return False, and change nothing, while another machine holds it.

        A claim that is over is taken over, and so is the machine's own. One statement: of two collectors that take the
        same place at once, one gets it.
        """
        connection = self._transaction.connection()
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        values = claim.model_dump()
        free = or_(col(LineClaimRow.expires_at) <= now, col(LineClaimRow.agent_id) == claim.agent_id)
        taken = (
            dialect.insert(LineClaimRow)
            .values(values)
            .on_conflict_do_update(
                index_elements=["place"],
                set_={name: value for name, value in values.items() if name != "place"},
                where=free,
            )
        )
        return connection.execute(taken, execution_options={"preserve_rowcount": True}).rowcount == 1

    def held(self, places: Collection[str], now: datetime) -> Sequence[LineClaimRow]:
        """Return the live claims on these places."""
        query = select(LineClaimRow).where(col(LineClaimRow.place).in_(places), col(LineClaimRow.expires_at) > now)
        return self._transaction.exec(query.order_by(col(LineClaimRow.place))).all()

    def extend(self, measurements: Collection[str], until: datetime) -> None:
        """Let the claims of these measurements live on."""
        mine = col(LineClaimRow.measurement).in_(measurements)
        self._transaction.exec(update(LineClaimRow).where(mine).values(expires_at=until))

    def drop(self, measurement: str) -> None:
        """Free the places of a measurement; nothing happens when another has taken them over."""
        self._transaction.exec(delete(LineClaimRow).where(col(LineClaimRow.measurement) == measurement))

    def drop_of_holder(self, holder: str) -> None:
        """Free every place that a collector gave: it has been started anew and knows no lease."""
        self._transaction.exec(delete(LineClaimRow).where(col(LineClaimRow.holder) == holder))
