"""Who calls: a certificate names somebody, the database says who that is and whether still."""

from dataclasses import dataclass
from enum import StrEnum

from prerequis_collector.errors import NotIdentified
from prerequis_collector.services.authority import Kind, Named
from prerequis_collector.services.register import require_site_of
from prerequis_collector.store.agents import Agents
from prerequis_collector.store.database import Transaction
from prerequis_collector.store.operators import Operators


class Role(StrEnum):
    """What a caller is; all but AGENT are operators."""

    AGENT = "agent"
    TECHNICIAN = "technician"
    DSI = "dsi"
    ORDERING = "ordering"
    ADMIN = "admin"


OPERATOR_ROLES = tuple(role for role in Role if role is not Role.AGENT)


@dataclass(frozen=True, slots=True)
class Caller:
    """A known caller."""

    role: Role
    name: str
    """The agent's id or the operator's name."""
    finess: str = ""
    """The agent's site; empty for an operator, and where nobody has asked the database yet."""
    organisation: str = ""
    """FINESS of the entité juridique to whose sites an operator is bounded; empty: every site."""
    certificate: bytes = b""
    """With which TLS verified the caller, DER."""


def admit(transaction: Transaction, named: Named, finess: str) -> Caller:
    """Return the caller, who asks about the site of this number, or about none; raises NotIdentified, NotFound."""
    caller = identify(transaction, named)
    if finess:
        require_site_of(transaction, finess, caller.organisation)
    return caller


def identify(transaction: Transaction, named: Named) -> Caller:
    """Return the caller; raises NotIdentified when it is unknown or revoked, from the very next call on.

    Any certificate of an agent counts until it ends, for the answer to a renewal may be lost; of an operator only the
    last credential made.
    """
    if named.kind is Kind.AGENT:
        agent = Agents(transaction).find(named.name)
        if agent is not None and not agent.revoked:
            return Caller(Role.AGENT, agent.id, agent.finess)
    else:
        operator = Operators(transaction).find(named.name)
        if operator is not None and not operator.revoked and operator.fingerprint == named.fingerprint:
            return Caller(Role(operator.role), operator.name, organisation=operator.organisation)
    raise NotIdentified(
        "Ce certificat n'est pas, ou n'est plus, accepté par ce collecteur : s'adresser à son administrateur."
    )
