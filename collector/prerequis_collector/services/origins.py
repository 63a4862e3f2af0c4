"""From which machine a report comes: copies of an identity are kept apart, and a machine that goes back is told.

A copy is kept as an agent of its own, so that nothing of it ever stands in the place of what the other machine said.
It has no certificate: what it hands in names the agent whose identity it shows.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import uuid4

from prerequis_collector.errors import InvalidInput, NotFound
from prerequis_collector.services.audit import note
from prerequis_collector.store.agents import AgentRow, Agents, Shown
from prerequis_collector.store.batches import Standing
from prerequis_collector.store.database import Transaction
from prerequis_collector.store.reports import Reports
from prerequis_collector.store.sites import Sites

REPLACED = "Cette machine porte l'identité d'une autre : l'enrôler avec un nouveau ticket."

MOST_COPIES = 20
"""Of one identity; whoever has its key can make up more machines, which are refused."""

LONGEST_MACHINE = 64
"""Hexadecimal digits of what tells a machine from others."""

# So long a report may come after a newer one: clocks are put right in between.
_OUT_OF_ORDER = timedelta(minutes=15)


class FromMachine(Protocol):
    """What a machine hands in says of where it comes from."""

    @property
    def agent_id(self) -> str:
        """Whose certificate verified it."""

    @property
    def machine(self) -> str:
        """What tells its machine from others with the same identity, in hexadecimal; "" when it does not say."""


class Numbered(FromMachine, Protocol):
    """What a report says of its origin."""

    @property
    def number(self) -> int:
        """How many its installation had made by then; 0 when it does not say."""

    @property
    def collected_at(self) -> datetime:
        """When it was made."""


class Origins:
    """The agents of one writing transaction, and where what they hand in belongs."""

    def __init__(self, transaction: Transaction, standing: dict[str, Standing], now: datetime) -> None:
        """Take agents as `Agents.standing` gave them, locked; those of copies join them."""
        self._transaction = transaction
        self._now = now
        self.standing = standing

    def place(self, report: FromMachine) -> str | None:
        """Return the agent or the copy under whose id what a machine hands in is kept; None for one that was replaced.

        A machine never seen with this identity puts all those that have it in quarantine.
        """
        known = self.standing[report.agent_id]
        holder = report.agent_id
        if report.machine and report.machine != known.machine:
            if known.machine:
                copy = self._copy(report)
                if copy is None:
                    return None
                holder = copy
            else:
                self.standing[holder] = known._replace(machine=report.machine)
        return holder

    def count(self, report: Numbered, holder: str) -> None:
        """Note the number of a report that was not kept before, under the id at which it was placed.

        A number is never used twice and never falls, but for a machine that went back to an earlier state or was copied
        whole, which is told; a report with a lower number may only come late.
        """
        known = self.standing[holder]
        if not report.number:
            return
        if known.numbered_at is not None and report.number <= known.number:
            if report.number < known.number and report.collected_at <= known.numbered_at + _OUT_OF_ORDER:
                return
            Agents(self._transaction).note_gone_back(holder, self._now)
            found = {"was": known.number, "number": report.number}
            note(self._transaction, f"agent:{report.agent_id}", "agent.went_back", holder, self._now, **found)
        latest = max(report.collected_at, known.numbered_at or report.collected_at)
        self.standing[holder] = known._replace(number=report.number, numbered_at=latest)

    def _copy(self, report: FromMachine) -> str | None:
        """Return the id of the copy on this machine, None when it was replaced."""
        family = Agents(self._transaction).family(report.agent_id)
        found = next((row for row in family if row.copy_of and row.machine == report.machine), None)
        if found is None and len(family) <= MOST_COPIES:
            found = self._new_copy(family, report)
        if found is None or found.revoked:
            return None
        if found.id not in self.standing:
            self.standing[found.id] = Standing(
                found.finess, found.machine, found.number, found.numbered_at, found.quarantined
            )
        return found.id

    def _new_copy(self, family: Sequence[AgentRow], report: FromMachine) -> AgentRow:
        agent = family[0]
        copy = AgentRow(
            id=uuid4().hex,
            finess=agent.finess,
            fingerprint=agent.fingerprint,
            enrolled_at=self._now,
            copy_of=agent.id,
            machine=report.machine,
        )
        undecided = [*(row for row in family if not row.revoked), copy]
        for row in undecided:
            row.quarantined = True
            if row.id in self.standing:
                self.standing[row.id] = self.standing[row.id]._replace(quarantined=True)
        Agents(self._transaction).save(undecided)
        Sites(self._transaction).touch(agent.finess)
        machines = [*(row.machine or self.standing[row.id].machine for row in undecided[:-1]), copy.machine]
        note(self._transaction, f"agent:{agent.id}", "agent.copied", agent.id, self._now, machines=machines)
        return copy


def may_measure(transaction: Transaction, asking: FromMachine, now: datetime) -> bool:
    """Return whether the machine that asks may use the identity that it shows: False when it was replaced.

    One never seen with it is noted, as if it had handed in a report. Raises InvalidInput.
    """
    agent = Agents(transaction).find(asking.agent_id)
    if not asking.machine or agent is None or agent.machine == asking.machine:
        return True
    if len(asking.machine) > LONGEST_MACHINE:
        raise InvalidInput("La demande dit mal de quelle machine elle vient.")
    origins = Origins(transaction, Agents(transaction).standing([agent.id]), now)
    holder = origins.place(asking) if agent.id in origins.standing else None
    if holder is None:
        return False
    Agents(transaction).note_seen({holder: origins.standing[holder]}, now)
    return True


def apart(odd: Iterable[AgentRow]) -> frozenset[Shown]:
    """Return the machines whose measurements do not count, from the odd agents: in quarantine, or replaced."""
    rows = [row for row in odd if row.quarantined or (row.copy_of is not None and row.revoked)]
    # What an agent measured without a word of its machine is of unknown origin while it is in quarantine.
    return frozenset(row.shown for row in rows) | {(row.id, "") for row in rows if row.quarantined}


def keep_machine(transaction: Transaction, agent_id: str, machine: str, *, author: str, now: datetime) -> None:
    """Leave the agent's identity to one machine, given by the beginning of what tells it; the others are refused.

    Their reports stay, and count no more. Raises NotFound, and InvalidInput when that is not one machine of the agent.
    """
    agent, *copies = _family(transaction, agent_id)
    found = [row for row in (agent, *copies) if machine and row.machine.startswith(machine.lower())]
    if len(found) != 1:
        raise InvalidInput(
            f"« {machine} » ne désigne pas une machine du poste {agent_id} ; voir « prerequis-collector agent list »."
        )
    (kept,) = found
    if kept is not agent:
        # The id of the certificate goes on with the machine that keeps it.
        Reports(transaction).exchange(agent.id, kept.id)
        for name in ("machine", "number", "numbered_at", "last_seen"):
            mine, its = getattr(agent, name), getattr(kept, name)
            setattr(agent, name, its)
            setattr(kept, name, mine)
    for row in (agent, *copies):
        row.quarantined, row.went_back_at, row.revoked = False, None, row is not agent
    Agents(transaction).save([agent, *copies])
    Sites(transaction).touch(agent.finess)
    note(transaction, author, "agent.keep", agent.id, now, machine=agent.machine)


def separate(transaction: Transaction, agent_id: str, *, author: str, now: datetime) -> None:
    """Count every machine that has the agent's identity and was not replaced as a workstation of its own.

    Raises NotFound, InvalidInput when only one has it.
    """
    family = [row for row in _family(transaction, agent_id) if not row.revoked]
    if len(family) < 2:
        raise InvalidInput(f"Une seule machine porte l'identité du poste {agent_id} : il n'y a rien à séparer.")
    for row in family:
        row.quarantined = False
    Agents(transaction).save(family)
    Sites(transaction).touch(family[0].finess)
    machines = [row.machine for row in family]
    note(transaction, author, "agent.separate", agent_id, now, machines=machines)


def _family(transaction: Transaction, agent_id: str) -> Sequence[AgentRow]:
    family = Agents(transaction).family(agent_id)
    if not family or family[0].copy_of or family[0].revoked:
        raise NotFound(f"Il n'y a pas de poste {agent_id} admis ; voir « prerequis-collector agent list ».")
    return family


def warnings(row: AgentRow) -> list[str]:
    """Return what is odd about the agent's identity, as French sentences that tell what to do."""
    told = []
    shown = row.copy_of or row.id
    if row.quarantined:
        told.append(
            "Clone : plusieurs machines ont la même identité, aucune n'est jugée. Sur le collecteur : "
            f"« prerequis-collector agent keep {shown} {row.machine} » la laisse à celle-ci, "
            f"« prerequis-collector agent separate {shown} » les compte toutes."
        )
    if row.went_back_at is not None:
        told.append(
            f"Revenu en arrière (constaté le {row.went_back_at:%d/%m/%Y}) : machine restaurée d'une sauvegarde, ou "
            f"copiée entière. Vérifier qu'elle est seule, puis : « prerequis-collector agent keep {shown} "
            f"{row.machine} »."
        )
    return told
