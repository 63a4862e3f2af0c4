"""What a scan knows beforehand: the site's plan, fresh or as last seen, and the way to a lease."""

import asyncio
import contextlib
import time
from collections.abc import Iterator

from google.protobuf import json_format

from prerequis.v1.measurement_pb2 import AcquireLeaseResponse, GetPlanResponse
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


def surroundings(state: State, identity: Identity) -> Surroundings:
    """Return the plan, refreshed when the collector answers, and where the collector is."""
    enrolment = state.enrolment()
    host, port = enrolment.address
    with contextlib.suppress(CollectorUnreachable, Refused):  # last time's plan serves
        refresh(state, identity)
    collector = Collector(
        host, port, state.authority, state.identity, lambda: _lease(state, identity), lambda: passphrase(state.identity)
    )
    return Surroundings(cached(state), collector)


def refresh(state: State, identity: Identity) -> None:
    """Keep the plan that the collector gives now; raises CollectorUnreachable and Refused."""

    async def ask() -> GetPlanResponse:
        async with Uplink(
            state.enrolment().collector, state.authority_pem(), identity, answer_seconds=PLAN_SECONDS
        ) as uplink:
            return await uplink.plan()

    answer = asyncio.run(ask())
    with contextlib.suppress(OSError):  # a cache that cannot be written costs the next offline scan its plan, no more
        durable.write(state.plan, json_format.MessageToJson(answer).encode())


def cached(state: State) -> Plan | None:
    """Return the plan of last time; None when there was none or its file is damaged."""
    try:
        plan = json_format.Parse(state.plan.read_bytes(), GetPlanResponse())
    except (OSError, json_format.ParseError, UnicodeDecodeError):
        return None
    targets = tuple(Target(target.host, target.port, target.purpose) for target in plan.targets)
    return Plan(targets, plan.demand_bits_per_second or None)


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
