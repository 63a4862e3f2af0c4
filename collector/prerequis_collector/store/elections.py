"""Which machine of a site was last chosen to ask the services that the site needs."""

from datetime import datetime

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Field, SQLModel, col, or_

from prerequis_collector.store.columns import Instant
from prerequis_collector.store.database import Transaction


class ElectionRow(SQLModel, table=True):
    """The newest election of one site."""

    __tablename__ = "elections"

    finess: str = Field(primary_key=True, foreign_key="sites.finess")
    agent_id: str = Field(foreign_key="agents.id")
    elected_at: datetime = Field(sa_type=Instant)


class Elections:
    """The elections within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def newest(self, finess: str) -> ElectionRow | None:
        """Return the site's newest election, or None when it never had one."""
        return self._transaction.get(ElectionRow, finess)

    def elect(self, election: ElectionRow, over: datetime) -> bool:
        """Keep the election unless a machine was elected after `over`; return whether it is kept.

        One statement: of two collectors that elect for the same site at once, one does.
        """
        connection = self._transaction.connection()
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        values = election.model_dump()
        kept = (
            dialect.insert(ElectionRow)
            .values(values)
            .on_conflict_do_update(
                index_elements=["finess"],
                set_={name: value for name, value in values.items() if name != "finess"},
                where=or_(col(ElectionRow.elected_at) <= over, col(ElectionRow.agent_id) == election.agent_id),
            )
        )
        return connection.execute(kept, execution_options={"preserve_rowcount": True}).rowcount == 1
