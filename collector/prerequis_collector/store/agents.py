"""Enrolled machines."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import BigInteger, bindparam
from sqlmodel import Field, SQLModel, col, func, or_, select, update

from prerequis_collector.store.batches import Standing, note_seen, standing_agents
from prerequis_collector.store.columns import Instant
from prerequis_collector.store.database import Transaction

Shown = tuple[str, str]
"""The id of the agent whose certificate a machine shows, and what tells that machine from others with that identity, in
hexadecimal, or ""."""


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
    """Of a copy: its machine may no longer use the identity that its certificate gives it."""
    copy_of: str | None = Field(default=None, index=True)
    """The agent whose certificate another machine shows too: what that machine hands in is kept here, apart. It
    refers to that agent, whose revocation holds for its copies."""
    machine: str = ""
    """What tells the machine of its reports from others with its identity, in hexadecimal; "" while none said it."""
    number: int = Field(default=0, sa_type=BigInteger)
    """That of its last report; 0 while none was numbered."""
    numbered_at: datetime | None = Field(default=None, sa_type=Instant)
    """When the machine made the latest of its numbered reports."""
    quarantined: bool = False
    """Several machines have its identity, and nobody has decided yet: what they hand in is kept and not judged."""
    went_back_at: datetime | None = Field(default=None, sa_type=Instant)
    """When it was last found that its machine had gone back to an earlier state; None once somebody has decided."""
    trusts: bytes = b""
    """Digest of the authorities by which its machine knows the collector, as it last said; empty before it did."""

    @property
    def shown(self) -> Shown:
        """Return the identity that its machine shows, and that machine."""
        return self.copy_of or self.id, self.machine


_IS_ODD = or_(
    col(AgentRow.quarantined).is_(True), col(AgentRow.went_back_at).is_not(None), col(AgentRow.copy_of).is_not(None)
)

# Composed once, for whole parks are judged by it; few agents are so.
_ODD = select(AgentRow).where(col(AgentRow.finess).in_(bindparam("sites", expanding=True)), _IS_ODD)


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

    def note_trust(self, agent_id: str, trusts: bytes) -> None:
        """Note by which authorities the agent's machine knows the collector."""
        self._transaction.exec(update(AgentRow).where(col(AgentRow.id) == agent_id).values(trusts=trusts))

    def trusting_otherwise(self, trusts: bytes, heard_after: datetime) -> int:
        """Return how many machines, not revoked and heard of since, know the collector by other authorities."""
        heard = func.coalesce(col(AgentRow.last_seen), col(AgentRow.enrolled_at)) > heard_after
        own = (col(AgentRow.revoked).is_(False), col(AgentRow.copy_of).is_(None), AgentRow.trusts != trusts)
        return self._transaction.exec(select(func.count()).select_from(AgentRow).where(heard, *own)).one()

    def standing(self, agent_ids: Collection[str]) -> dict[str, Standing]:
        """Return what is known of each of these agents, but of the unknown and the revoked.

        Their rows stay locked until the transaction ends, taken in the order of ids: two collectors that answer the
        same agents wait for one another, and never both.
        """
        return standing_agents(self._transaction, agent_ids)

    def note_seen(self, agents: Mapping[str, Standing], at: datetime) -> None:
        """Note when these agents handed something in, of which machine and by which number."""
        note_seen(self._transaction, agents, at)

    def family(self, agent_id: str) -> Sequence[AgentRow]:
        """Return the agent, then its copies in the order in which they came, revoked or not."""
        query = select(AgentRow).where(or_(AgentRow.id == agent_id, AgentRow.copy_of == agent_id))
        # Other work of the same transaction may have changed the rows by statements of its own.
        query = query.order_by(col(AgentRow.enrolled_at), col(AgentRow.id)).execution_options(populate_existing=True)
        rows = self._transaction.exec(query).all()
        return sorted(rows, key=lambda row: row.copy_of is not None)

    def odd(self, finess: str | None = None) -> Sequence[AgentRow]:
        """Return the agents that are in quarantine, went back in time or are copies, of one site or of all."""
        return (
            self.odd_of([finess])
            if finess is not None
            else self._transaction.exec(select(AgentRow).where(_IS_ODD)).all()
        )

    def odd_of(self, finesses: Sequence[str]) -> Sequence[AgentRow]:
        """Return the agents of these sites that are so."""
        return self._transaction.exec(_ODD, params={"sites": finesses}).all()

    def quarantined(self, finess: str) -> frozenset[str]:
        """Return the ids of the site's agents in quarantine."""
        return frozenset(row.id for row in self.odd(finess) if row.quarantined)

    def save(self, agents: Collection[AgentRow]) -> None:
        """Keep what was changed of these agents."""
        self._transaction.add_all(agents)
        self._transaction.flush()

    def note_gone_back(self, agent_id: str, at: datetime) -> None:
        """Note that the agent's machine was found to have gone back to an earlier state."""
        self._transaction.exec(update(AgentRow).where(col(AgentRow.id) == agent_id).values(went_back_at=at))

    def revoke(self, agent_id: str) -> bool:
        """Revoke the agent and its copies; return whether there is such an agent."""
        of_it = or_(col(AgentRow.id) == agent_id, col(AgentRow.copy_of) == agent_id)
        return bool(self._transaction.exec(update(AgentRow).where(of_it).values(revoked=True)).rowcount)
