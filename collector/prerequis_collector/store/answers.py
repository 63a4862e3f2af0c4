"""What people answered; every answer is kept, the newest counts."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam
from sqlmodel import Field, Index, SQLModel, col, func, select

from prerequis_collector.store.columns import Instant
from prerequis_collector.store.database import Transaction


class AnswerRow(SQLModel, table=True):
    """One answer to one question about one site."""

    __tablename__ = "answers"
    __table_args__ = (Index("ix_answers_newest", "finess", "question", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    finess: str = Field(foreign_key="sites.finess")
    question: str
    choice: str
    comment: str = ""
    author: str
    answered_at: datetime = Field(sa_type=Instant)


# Composed once: that costs SQLAlchemy more than the database needs to answer, and whole parks are judged by it.
_NEWEST_OF_SITES = (
    select(AnswerRow)
    .where(
        col(AnswerRow.id).in_(
            select(func.max(AnswerRow.id))
            .where(col(AnswerRow.finess).in_(bindparam("sites", expanding=True)))
            .group_by(col(AnswerRow.finess), col(AnswerRow.question))
        )
    )
    .order_by(col(AnswerRow.question))
)


class Answers:
    """The answers within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, answer: AnswerRow) -> None:
        """Keep one more answer."""
        self._transaction.add(answer)
        self._transaction.flush()

    def newest_of_site(self, finess: str) -> Sequence[AnswerRow]:
        """Return the newest answer to each question of the site, in question order."""
        return self.newest_of_sites([finess])

    def newest_of_sites(self, finesses: Sequence[str]) -> Sequence[AnswerRow]:
        """Return the newest answer to each question of each of these sites, in question order."""
        return self._transaction.exec(_NEWEST_OF_SITES, params={"sites": finesses}).all()
