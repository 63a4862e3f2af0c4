"""Who waits to load a line, in the order of asking."""

from datetime import datetime

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Field, SQLModel, and_, col, delete, func, or_, select

from prerequis_collector.store.columns import Instant
from prerequis_collector.store.database import Transaction


class LineTurnRow(SQLModel, table=True):
    """One machine that was told to come back."""

    __tablename__ = "line_turns"

    finess: str = Field(primary_key=True, foreign_key="sites.finess")
    agent_id: str = Field(primary_key=True, foreign_key="agents.id")
    asked_at: datetime = Field(sa_type=Instant)
    """When it asked first: its place in the queue."""
    due_at: datetime = Field(sa_type=Instant)
    """When it was told to ask again."""


class LineTurns:
    """The queues within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def find(self, finess: str, agent_id: str, due_after: datetime) -> LineTurnRow | None:
        """Return the machine's place, or None when it has none or should have come back before."""
        turn = self._transaction.get(LineTurnRow, (finess, agent_id), populate_existing=True)
        return turn if turn is not None and turn.due_at > due_after else None

    def before(self, finess: str, turn: LineTurnRow | None, due_after: datetime) -> tuple[int, datetime | None]:
        """Return how many wait at the site before this place, or in all, and when the first of them is to come back.

        Those who should have come back before are gone.
        """
        query = select(func.count(), func.min(col(LineTurnRow.due_at))).where(
            LineTurnRow.finess == finess, col(LineTurnRow.due_at) > due_after
        )
        if turn is not None:
            asked, agent = col(LineTurnRow.asked_at), col(LineTurnRow.agent_id)
            earlier = or_(asked < turn.asked_at, and_(asked == turn.asked_at, agent < turn.agent_id))
            query = query.where(earlier)
        many, first_due = self._transaction.exec(query).one()
        return many, first_due

    def wait(self, turn: LineTurnRow) -> None:
        """Keep or renew a machine's place; `asked_at` is the caller's word, so that a place that lapsed is lost."""
        connection = self._transaction.connection()
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        waiting = dialect.insert(LineTurnRow).values(turn.model_dump())
        moved = {"asked_at": turn.asked_at, "due_at": turn.due_at}
        connection.execute(waiting.on_conflict_do_update(index_elements=["finess", "agent_id"], set_=moved))

    def leave(self, finess: str, agent_id: str) -> None:
        """Take a machine out of the queue."""
        mine = (col(LineTurnRow.finess) == finess, col(LineTurnRow.agent_id) == agent_id)
        self._transaction.exec(delete(LineTurnRow).where(*mine))

    def forget(self, finess: str, due_before: datetime) -> None:
        """Take those out of a site's queue who never came back."""
        gone = (col(LineTurnRow.finess) == finess, col(LineTurnRow.due_at) <= due_before)
        self._transaction.exec(delete(LineTurnRow).where(*gone))
