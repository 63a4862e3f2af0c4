"""Tickets and enrolment: how a machine comes to belong to a site."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from cryptography.hazmat.primitives import hashes

from prerequis_collector.errors import InvalidInput, TicketRefused
from prerequis_collector.services.audit import note
from prerequis_collector.services.authority import Authority, chain_der, requested_key
from prerequis_collector.services.register import require_site
from prerequis_collector.store.agents import AgentRow, Agents
from prerequis_collector.store.database import Transaction
from prerequis_collector.store.tickets import TicketRow, Tickets


@dataclass(frozen=True, slots=True)
class NewTicket:
    """A ticket just made; the only moment at which its secret is known here."""

    id: str
    secret: str
    finess: str
    site_name: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What an enrolled machine is told."""

    agent_id: str
    chain: list[bytes]
    finess: str
    site_name: str


def create_ticket(
    transaction: Transaction, finess: str, *, uses: int, days: int, author: str, now: datetime
) -> NewTicket:
    """Return a new ticket for the site; raises NotFound, InvalidInput."""
    if not 1 <= uses <= 10_000 or not 1 <= days <= 365:
        raise InvalidInput("Un ticket vaut pour 1 à 10 000 postes et 1 à 365 jours.")
    site = require_site(transaction, finess)
    secret = secrets.token_urlsafe(32)
    expires = (now + timedelta(days=days)).replace(microsecond=0)
    ticket = TicketRow(secret_digest=_digest(secret), finess=finess, created_at=now, expires_at=expires, uses_left=uses)
    Tickets(transaction).add(ticket)
    note(transaction, author, "ticket.create", ticket.id, now, finess=finess, uses=uses, expires=expires.isoformat())
    return NewTicket(ticket.id, secret, finess, site.name, expires)


def enrol(transaction: Transaction, authority: Authority, secret: str, csr: bytes, now: datetime) -> Enrolled:
    """Return the certificate of a new agent of the ticket's site; raises TicketRefused, InvalidInput."""
    key = requested_key(csr)
    tickets, digest = Tickets(transaction), _digest(secret)
    finess, ticket = tickets.use(digest, now), tickets.find(digest)
    if finess is None or ticket is None:
        raise TicketRefused("Ce ticket n'est pas, ou n'est plus, valable : en demander un autre.")
    agent_id = uuid4().hex
    certificate = authority.issue_agent(key, agent_id, now)
    fingerprint = certificate.fingerprint(hashes.SHA256())
    Agents(transaction).add(AgentRow(id=agent_id, finess=finess, fingerprint=fingerprint, enrolled_at=now))
    note(transaction, f"ticket:{ticket.id}", "agent.enrol", agent_id, now, finess=finess)
    site = require_site(transaction, finess)
    return Enrolled(agent_id, chain_der(certificate, authority), finess, site.name)


def renew(transaction: Transaction, authority: Authority, agent_id: str, csr: bytes, now: datetime) -> list[bytes]:
    """Return a new certificate chain for the same agent, DER; raises InvalidInput.

    The one before stays good until it ends: the answer may have been lost on the way.
    """
    certificate = authority.issue_agent(requested_key(csr), agent_id, now)
    Agents(transaction).renew(agent_id, certificate.fingerprint(hashes.SHA256()))
    ends = certificate.not_valid_after_utc.isoformat()
    note(transaction, f"agent:{agent_id}", "agent.renew", agent_id, now, expires=ends)
    return chain_der(certificate, authority)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
