"""Taking back what was given: a ticket, a machine's place, a person's access. It holds from the next call on."""

from datetime import datetime

from prerequis_collector.errors import NotFound
from prerequis_collector.services.audit import note
from prerequis_collector.store.agents import Agents
from prerequis_collector.store.database import Transaction
from prerequis_collector.store.operators import Operators
from prerequis_collector.store.sites import Sites
from prerequis_collector.store.tickets import Tickets


def revoke_ticket(transaction: Transaction, ticket_id: str, *, author: str, now: datetime) -> None:
    """Let the ticket enrol nobody any more; raises NotFound. Who has enrolled with it stays."""
    if not Tickets(transaction).revoke(ticket_id):
        raise NotFound(f"Il n'y a pas de ticket {ticket_id} ; voir « prerequis-collector ticket list ».")
    note(transaction, author, "ticket.revoke", ticket_id, now)


def revoke_agent(transaction: Transaction, agent_id: str, *, author: str, now: datetime) -> None:
    """Refuse the agent and leave it out of the judgement of its site, keeping its reports; raises NotFound."""
    agent = Agents(transaction).find(agent_id)
    if agent is None:
        raise NotFound(f"Il n'y a pas de poste {agent_id} ; voir « prerequis-collector agent list ».")
    Agents(transaction).revoke(agent_id)
    Sites(transaction).touch(agent.finess)
    note(transaction, author, "agent.revoke", agent_id, now, finess=agent.finess)


def revoke_operator(transaction: Transaction, name: str, *, author: str, now: datetime) -> None:
    """Refuse the operator, whose name stays taken; raises NotFound."""
    if not Operators(transaction).revoke(name):
        raise NotFound(f"Personne n'a l'identifiant « {name} » ; voir « prerequis-collector operator list ».")
    note(transaction, author, "operator.revoke", name, now)
