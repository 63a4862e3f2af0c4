"""Sites that wait to be judged again, each claimed by one of the collectors that share the database."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Field, SQLModel, col, delete, or_, select, update

from prerequis_collector.store.columns import Instant
from prerequis_collector.store.database import Transaction


class JudgingJobRow(SQLModel, table=True):
    """One site to judge again."""

    __tablename__ = "judging_jobs"

    finess: str = Field(primary_key=True, foreign_key="sites.finess")
    holder: str | None = None
    """The collector that judges it; None while nobody does."""
    claimed_until: datetime | None = Field(default=None, sa_type=Instant)
    """From then on another may take it over: its holder must have died."""


class JudgingJobs:
    """The jobs within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def lay(self, finesses: Collection[str]) -> None:
        """Let these sites wait; those that wait already go on waiting."""
        if not finesses:
            return
        connection = self._transaction.connection()
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        rows = [{"finess": finess} for finess in finesses]
        connection.execute(dialect.insert(JudgingJobRow).on_conflict_do_nothing(), rows)

    def claim(self, holder: str, most: int, now: datetime, until: datetime) -> Sequence[str]:
        """Return sites that nobody else judges, and that are the holder's own until then; those it left too.

        In PostgreSQL those that another collector is claiming at this moment are passed over, not waited for; SQLite
        has one writer at a time.
        """
        expired = col(JudgingJobRow.claimed_until) <= now
        free = (
            select(JudgingJobRow.finess)
            .where(or_(col(JudgingJobRow.holder).is_(None), col(JudgingJobRow.holder) == holder, expired))
            .order_by(col(JudgingJobRow.finess))
            .limit(most)
            .with_for_update(skip_locked=True)
        )
        sites = self._transaction.exec(free).all()
        mine = update(JudgingJobRow).where(col(JudgingJobRow.finess).in_(sites))
        self._transaction.exec(mine.values(holder=holder, claimed_until=until))
        return sites

    def finish(self, holder: str, finesses: Collection[str]) -> None:
        """Take the holder's own jobs on these sites away; one that another took over is left to it."""
        done = (col(JudgingJobRow.finess).in_(finesses), col(JudgingJobRow.holder) == holder)
        self._transaction.exec(delete(JudgingJobRow).where(*done))

    def waiting(self) -> Sequence[str]:
        """Return every site whose job is not finished, claimed or not."""
        return self._transaction.exec(select(JudgingJobRow.finess).order_by(col(JudgingJobRow.finess))).all()
