"""Enrolled machines."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlmodel import Field, SQLModel, col, select, update

from prerequis_collector.store.batches import note_seen, standing_agents
from prerequis_collector.store.columns import Instant
from prerequis_collector.store.database import Transaction


class AgentRow(SQLModel, table=True):
    """One agent; its certificate names it, this row says where it belongs."""

    __tablename__ = "agents"

    id: str = Field(primary_key=True)
    finess: str = Field(foreign_key="sites.finess", index=True)
    fingerprint: bytes
    """SHA-256 of the newest certificate, DER."""
    enrolled_at: datetime = Field(sa_type=Instant)
    last_seen: datetime | None = Field(default=None, sa_type=Instant)
    revoked: bool = False


class Agents:
    """The agents within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def find(self, agent_id: str) -> AgentRow | None:
        """Return the agent, revoked or not, or None."""
        return self._transaction.get(AgentRow, agent_id)

    def of_site(self, finess: str) -> Sequence[AgentRow]:
        """Return the site's agents that are not revoked, in id order."""
        query = select(AgentRow).where(AgentRow.finess == finess, col(AgentRow.revoked).is_(False))
        return self._transaction.exec(query.order_by(col(AgentRow.id))).all()

    def all(self, finess: str | None = None) -> Sequence[AgentRow]:
        """Return every agent, revoked or not, of one site or of all, by site then id."""
        query = select(AgentRow).order_by(col(AgentRow.finess), col(AgentRow.id))
        return self._transaction.exec(query if finess is None else query.where(AgentRow.finess == finess)).all()

    def add(self, agent: AgentRow) -> None:
        """Keep a newly enrolled agent."""
        self._transaction.add(agent)
        self._transaction.flush()

    def renew(self, agent_id: str, fingerprint: bytes) -> None:
        """Note the agent's new certificate."""
        renewed = update(AgentRow).where(col(AgentRow.id) == agent_id).values(fingerprint=fingerprint)
        self._transaction.exec(renewed)

    def seen(self, agent_id: str, at: datetime) -> str | None:
        """Note when the agent last handed something in and return its site; None when it is unknown or revoked."""
        noted = (
            update(AgentRow)
            .where(col(AgentRow.id) == agent_id, col(AgentRow.revoked).is_(False))
            .values(last_seen=at)
            .returning(col(AgentRow.finess))
        )
        return self._transaction.exec(noted).scalar_one_or_none()

    def all_seen(self, agent_ids: Collection[str], at: datetime) -> Mapping[str, str]:
        """Note when these agents handed something in and return the site of each, but of the unknown and the revoked.

        Their rows stay locked until the transaction ends, taken in the order of ids: two collectors that answer the
        same agents wait for one another, and never both.
        """
        sites = standing_agents(self._transaction, agent_ids)
        note_seen(self._transaction, sites, at)
        return sites

    def revoke(self, agent_id: str) -> bool:
        """Revoke the agent; return whether there is such an agent."""
        revoked = update(AgentRow).where(col(AgentRow.id) == agent_id).values(revoked=True)
        return self._transaction.exec(revoked).rowcount == 1
