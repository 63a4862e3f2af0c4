"""What a scan knows beforehand: the site's plan, fresh or as last seen, and the way to a lease."""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace

from google.protobuf import json_format

from prerequis.v1.measurement_pb2 import AcquireLeaseResponse, GetPlanResponse
from prerequis.v1.services_pb2 import TLS
from prerequis_agent import durable
from prerequis_agent.config import State
from prerequis_agent.errors import AgentError, CollectorUnreachable, Refused, Unsupported
from prerequis_agent.identity import Identity, passphrase
from prerequis_agent.surroundings import Collector, Lease, Plan, Surroundings, Target
from prerequis_agent.uplink import Uplink

PLAN_SECONDS = 4.0
"""The longest that a scan waits for a fresh plan before it uses the one of last time."""

PATIENCE_SECONDS = 20.0
"""How long the line probe waits for another machine of the site to end its measurement."""


_NOT_ELECTED = "Un autre poste du site vérifie les services aujourd'hui : rien à faire sur celui-ci."
_NOT_TOLD = "Le collecteur n'a pas dit si ce poste doit vérifier les services aujourd'hui : ils n'ont pas été demandés."


def surroundings(state: State, identity: Identity, attended: bool = False) -> Surroundings:
    """Return the plan, refreshed when the collector answers, and where the collector is.

    A person who waits may ask the services of last time's plan; a machine that nobody watches asks them only when the
    collector has just elected it: a million of them must not knock at the national services every morning.
    """
    enrolment = state.enrolment()
    host, port = enrolment.address
    spared = "" if attended else _NOT_TOLD
    with contextlib.suppress(CollectorUnreachable, Refused):  # last time's plan serves
        spared = _NOT_ELECTED if refresh(state, identity, attended) else ""
    collector = Collector(
        host, port, state.authority, state.identity, lambda: _lease(state, identity), lambda: passphrase(state.identity)
    )
    plan = cached(state)
    return Surroundings(replace(plan, spared=spared) if plan else None, collector)


def refresh(state: State, identity: Identity, attended: bool = False) -> bool:
    """Keep the plan that the collector gives now, and return whether another machine asks the services today.

    Raises CollectorUnreachable and Refused.
    """

    async def ask() -> GetPlanResponse:
        async with Uplink(
            state.enrolment().collector, state.authority_pem(), identity, answer_seconds=PLAN_SECONDS
        ) as uplink:
            return await uplink.plan(attended)

    answer = asyncio.run(ask())
    if answer.another_elected and (last := _kept(state)):
        # For a technician whose scan has no network: what there is to ask does not depend on who is to.
        answer.targets.extend(last.targets)
    with contextlib.suppress(OSError):  # a cache that cannot be written costs the next offline scan its plan, no more
        durable.write(state.plan, json_format.MessageToJson(answer).encode())
    return answer.another_elected


def cached(state: State) -> Plan | None:
    """Return the plan of last time; None when there was none or its file is damaged."""
    plan = _kept(state)
    if plan is None:
        return None
    targets = tuple(
        Target(target.host, target.port, target.purpose, target.protocol or TLS, target.path) for target in plan.targets
    )
    return Plan(targets, plan.demand_bits_per_second or None)


def _kept(state: State) -> GetPlanResponse | None:
    try:
        # A collector of tomorrow may say more than this version knows.
        return json_format.Parse(state.plan.read_bytes(), GetPlanResponse(), ignore_unknown_fields=True)
    except (OSError, json_format.ParseError, UnicodeDecodeError):
        return None


@contextlib.contextmanager
def _lease(state: State, identity: Identity) -> Iterator[Lease]:
    address, authority = state.enrolment().collector, state.authority_pem()

    async def acquire() -> AcquireLeaseResponse:
        async with Uplink(address, authority, identity) as uplink:
            return await uplink.acquire_lease()

    async def release(token: bytes) -> None:
        async with Uplink(address, authority, identity) as uplink:
            await uplink.release_lease(token)

    limit = time.monotonic() + PATIENCE_SECONDS
    try:
        while not (answer := asyncio.run(acquire())).HasField("lease"):
            wait = max(1.0, answer.retry_after.ToTimedelta().total_seconds())
            if time.monotonic() + wait > limit:
                raise Unsupported("Un autre poste du site mesure la ligne : relancer dans une minute.")
            time.sleep(wait)
    except (CollectorUnreachable, Refused) as problem:
        raise Unsupported(str(problem)) from problem
    lease = answer.lease
    try:
        yield Lease(lease.token, lease.port, lease.bytes_per_direction)
    finally:
        with contextlib.suppress(AgentError):  # it ends by itself after its time to live
            asyncio.run(release(lease.token))
