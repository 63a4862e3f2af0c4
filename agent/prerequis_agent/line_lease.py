"""The right to load the site's line, from the collector, for the time of a `with`."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from prerequis.v1.facts_pb2 import Line
from prerequis.v1.line_pb2 import SUFFICIENCY, LineConditions, LineMethod
from prerequis.v1.measurement_pb2 import (
    AcquireLeaseRequest,
    AcquireLeaseResponse,
    ReleaseLeaseResponse,
)
from prerequis_agent.config import State
from prerequis_agent.errors import AgentError, CollectorUnreachable, Refused, Unsupported
from prerequis_agent.host import Host
from prerequis_agent.identity import Identity
from prerequis_agent.origin import machine
from prerequis_agent.surroundings import Lease
from prerequis_agent.turns import keep_turn
from prerequis_agent.uplink import Uplink

PATIENCE_SECONDS = 20.0
"""How long a scan waits for other machines of the site to end their measurement."""

_SHORTEST_WAIT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a measurement is asked for."""

    method: LineMethod.ValueType = SUFFICIENCY
    attended: bool = True
    """A person waits for the figure: the collector's schedule does not apply."""
    patience_seconds: float = PATIENCE_SECONDS
    waiting: Callable[[str, float], object] = lambda reason, seconds: None
    """Is told why there is no lease yet, and how long it will be before it is asked for again."""


@dataclass(slots=True)
class Outcome:
    """How the last lease ended, for who asked for it."""

    line: Line | None = None
    contention: bool = False
    """Another machine measured the same line meanwhile: the figure does not count."""


@contextlib.contextmanager
def held(state: State, identity: Identity, wanted: Wanted, outcome: Outcome) -> Iterator[Lease]:
    """Hold a lease, and hand over with its end what was measured.

    Raises Unsupported, with the collector's sentence, when none is to be had in time.
    """
    enrolment, authority = state.enrolment(), state.authority_pem()
    request = _request(wanted, enrolment.finess, identity.agent_id)

    async def acquire() -> AcquireLeaseResponse:
        async with Uplink(enrolment.collector, authority, identity) as uplink:
            return await uplink.acquire_lease(request)

    async def renew(token: bytes) -> None:
        async with Uplink(enrolment.collector, authority, identity) as uplink:
            await uplink.renew_lease(token)

    async def release(token: bytes, line: Line | None) -> ReleaseLeaseResponse:
        async with Uplink(enrolment.collector, authority, identity) as uplink:
            return await uplink.release_lease(token, line)

    answer = _patiently(lambda: asyncio.run(acquire()), wanted)
    token = answer.lease.token

    def report(line: Line) -> None:
        outcome.line = line

    try:
        yield _lease(answer, report, lambda: asyncio.run(renew(token)))
    finally:
        with contextlib.suppress(AgentError):  # it ends by itself after its time to live
            ended = asyncio.run(release(token, outcome.line))
            outcome.contention = ended.contention
            keep_turn(state, ended)


def _patiently(acquire: Callable[[], AcquireLeaseResponse], wanted: Wanted) -> AcquireLeaseResponse:
    limit = time.monotonic() + wanted.patience_seconds
    try:
        while not (answer := acquire()).HasField("lease"):
            reason = answer.reason or "Un autre poste du site mesure la ligne : relancer dans une minute."
            wait = max(_SHORTEST_WAIT_SECONDS, answer.retry_after.ToTimedelta().total_seconds())
            if time.monotonic() + wait > limit:
                raise Unsupported(reason)
            wanted.waiting(reason, wait)
            time.sleep(wait)
    except (CollectorUnreachable, Refused) as problem:
        raise Unsupported(str(problem)) from problem
    return answer


def _request(wanted: Wanted, finess: str, agent_id: str) -> AcquireLeaseRequest:
    from prerequis_agent.line.conditions import attachment, gateway_digest

    host = Host()
    attached = attachment(host, "")
    return AcquireLeaseRequest(
        method=wanted.method,
        attended=wanted.attended,
        metered=bool(attached.metered),
        gateway=gateway_digest(host, attached.gateways, finess),
        wireless=attached.kind in (LineConditions.WIRELESS, LineConditions.CELLULAR),
        machine=machine(host, agent_id) or b"",
    )


def _lease(answer: AcquireLeaseResponse, report: Callable[[Line], None], renew: Callable[[], None]) -> Lease:
    lease = answer.lease
    return Lease(
        lease.token,
        lease.port,
        lease.bytes_per_direction,
        method=lease.method,
        down_target_bits_per_second=lease.down_target_bits_per_second,
        up_target_bits_per_second=lease.up_target_bits_per_second,
        user_bits_per_second=lease.user_bits_per_second,
        streams=lease.streams,
        http_port=lease.http_port,
        server_load=lease.server_load,
        report=report,
        renew=renew,
    )
