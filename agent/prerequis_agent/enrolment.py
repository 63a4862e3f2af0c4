"""Enrolling with a site's ticket, and renewing the certificate that enrolling gave."""

import asyncio
import contextlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from prerequis.os_errors import why
from prerequis.v1.enrolment_pb2 import EnrolResponse
from prerequis_agent import identity
from prerequis_agent.config import Enrolment, State, Ticket
from prerequis_agent.durable import write
from prerequis_agent.errors import ConfigurationError, Refused
from prerequis_agent.identity import Identity
from prerequis_agent.uplink import Uplink

_CLOCKS_DIFFER = timedelta(days=1)
"""How far the clocks of a machine and of its collector may be apart without a word."""


def enrol(state: State, ticket: Ticket, role: str, now: datetime) -> Enrolment:
    """Return what the collector says of the site, after keeping the identity that it gave.

    Nothing of an earlier enrolment changes before the collector has agreed. Raises ConfigurationError when the ticket
    is over, CollectorUnreachable, and Refused.
    """
    require_valid(ticket, now)
    require_writable(state)  # before a use of the ticket is spent
    key = identity.new_key()

    async def ask() -> EnrolResponse:
        async with Uplink(ticket.enrolment, ticket.authority.encode()) as uplink:
            return await uplink.enrol(ticket.secret, identity.request(key))

    answer = asyncio.run(ask())
    try:
        given = identity.from_chain(key, tuple(answer.chain))
    except ValueError as problem:
        raise Refused(f"Le collecteur a donné un certificat inutilisable ({problem}).") from None
    enrolment = Enrolment(ticket.collector, answer.finess, answer.site_name, role)
    keep_enrolment(state, ticket, given, enrolment)
    return enrolment


def keep_enrolment(state: State, ticket: Ticket, given: Identity, enrolment: Enrolment) -> None:
    """Keep what an enrolment gave, in the place of an earlier one; raises ConfigurationError."""
    with writing(state):
        state.forget_enrolment()
        given.keep(state.identity)
        write(state.authority, ticket.authority.encode())
        if ticket.recipient:
            write(state.recipient, f"{ticket.recipient}\n".encode())
        state.keep_enrolment(enrolment)
        state.request.unlink(missing_ok=True)


def require_valid(ticket: Ticket, now: datetime) -> None:
    """Return while the ticket may still be used; raises ConfigurationError."""
    if ticket.expires <= now:
        raise ConfigurationError(f"Ce ticket a expiré le {ticket.expires:%d/%m/%Y} : en demander un nouveau.")


@contextlib.contextmanager
def writing(state: State) -> Iterator[None]:
    """Tell what the system says of a file of the state as a ConfigurationError."""
    try:
        yield
    except OSError as problem:
        raise ConfigurationError(
            f"L'identité ne peut pas être gardée dans {state.directory} ({why(problem)})."
        ) from None


def require_writable(state: State) -> None:
    """Return when this account may write the agent's state; raises ConfigurationError."""
    try:
        state.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        writable = os.access(state.directory, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        raise ConfigurationError(
            f"Ce compte n'a pas le droit d'écrire dans {state.directory} : relancer en administrateur, ou choisir un "
            "autre dossier avec --state."
        )


def current_identity(state: State, now: datetime) -> Identity:
    """Return the machine's identity; raises ConfigurationError when there is none or its certificate is over."""
    known = identity.load(state.identity)
    begun = known.certificate.not_valid_before_utc
    if now < begun - _CLOCKS_DIFFER:
        raise ConfigurationError(
            f"L'horloge de ce poste indique le {now:%d/%m/%Y}, mais son certificat date du {begun:%d/%m/%Y} : "
            "la régler, puis relancer."
        )
    if known.expires <= now:
        raise ConfigurationError(
            f"Le certificat de ce poste a expiré le {known.expires:%d/%m/%Y}, et l'horloge indique le {now:%d/%m/%Y} : "
            "la régler si elle est fausse, sinon enrôler ce poste avec un nouveau ticket."
        )
    known.protect(state.identity)
    return known


def renew_when_due(state: State, known: Identity) -> Identity:
    """Return the identity to use from now on: a new one when two thirds of the certificate's life are over.

    Raises CollectorUnreachable and Refused; the present identity then still holds.
    """
    if not known.must_renew(datetime.now(UTC)):
        return known
    key = identity.new_key()

    async def ask() -> tuple[bytes, ...]:
        async with Uplink(state.enrolment().collector, state.authority_pem(), known) as uplink:
            return await uplink.renew(identity.request(key))

    try:
        renewed = identity.from_chain(key, asyncio.run(ask()))
    except ValueError as problem:
        raise Refused(f"Le collecteur a donné un certificat inutilisable ({problem}).") from None
    with writing(state):
        renewed.keep(state.identity)
    return renewed
