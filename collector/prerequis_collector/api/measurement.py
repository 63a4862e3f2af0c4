"""MeasurementService: what to reach, and when to load the line."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from google.protobuf.duration_pb2 import Duration
from grpc import aio

from prerequis.v1 import measurement_pb2 as wire
from prerequis.v1.measurement_pb2_grpc import MeasurementServiceServicer
from prerequis_collector.api.guard import caller
from prerequis_collector.collector import Collector
from prerequis_collector.errors import CollectorError, InvalidInput
from prerequis_collector.services.elect import Turn, elect, turn
from prerequis_collector.services.lease import TIME_TO_LIVE_SECONDS, Lease
from prerequis_collector.services.line_desk import Asking, Desk, Postponed
from prerequis_collector.services.line_results import end_measurement
from prerequis_collector.services.line_schedule import is_news, next_turn
from prerequis_collector.services.plan import demand_bits_per_second, plan_of, profile_of
from prerequis_collector.services.progress import site_progress
from prerequis_collector.services.register import require_site
from prerequis_collector.services.trust import trust
from prerequis_collector.store.agents import Agents
from prerequis_collector.store.line_candidates import LineCandidateRow, LineCandidates
from prerequis_collector.store.sites import SiteRow


class Measurement(MeasurementServiceServicer):
    """Answers agents."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    async def GetPlan(
        self, request: wire.GetPlanRequest, context: aio.ServicerContext[Any, Any]
    ) -> wire.GetPlanResponse:
        """Return the hosts of the site's profile, the rate that the site needs, and what remains to be done there."""
        site, pack, now = await self._site(), self._collector.pack, self._collector.now()
        plan = plan_of(pack, site, self._collector.reached_at.listen, national=self._collector.national_services)
        plan.librespeed_url = self._collector.librespeed
        plan.bundle_recipient = self._collector.bundle_recipient
        if not request.attended and not await self._elected(site.finess, now):
            plan.another_elected = True
            del plan.targets[:]
        if request.trusts:
            plan.authorities.extend(await self._lacking(caller().name, request.trusts))
        progress = await self._collector.read(lambda transaction: site_progress(transaction, pack, site, now))
        plan.progress.CopyFrom(progress)
        if not request.attended:  # what a person starts says nothing of whether this machine ever runs by itself
            await self._note_candidate(request, site, now)
        measure_at = await self._next_turn(site, caller().name, now)
        if measure_at is not None:
            plan.measure_at.FromDatetime(measure_at)
        return plan

    async def AcquireLease(
        self, request: wire.AcquireLeaseRequest, context: aio.ServicerContext[Any, Any]
    ) -> wire.AcquireLeaseResponse:
        """Return a lease, or when to ask again and why."""
        site, collector = await self._site(), self._collector
        profile, now = profile_of(collector.pack, site), collector.now()
        asking = Asking(
            agent_id=caller().name,
            finess=site.finess,
            egress=egress(context.peer()),
            method=request.method,
            attended=request.attended,
            metered=request.metered,
            gateway=request.gateway,
            wireless=request.wireless,
            machine=request.machine.hex(),
        )
        desk, demand = Desk(collector.leases, collector.holder), demand_bits_per_second(profile, site)
        lease = await collector.write(lambda transaction: desk.ask(transaction, asking, profile, demand, now))
        if isinstance(lease, Postponed):
            wait = lease.retry_after.total_seconds()
            return wire.AcquireLeaseResponse(retry_after=_duration(wait), reason=lease.reason)
        return wire.AcquireLeaseResponse(lease=self._message(lease))

    async def RenewLease(
        self, request: wire.RenewLeaseRequest, context: aio.ServicerContext[Any, Any]
    ) -> wire.RenewLeaseResponse:
        """Let the lease live on."""
        self._collector.leases.renew(caller().name, request.token)
        return wire.RenewLeaseResponse(time_to_live=_duration(TIME_TO_LIVE_SECONDS))

    async def ReleaseLease(
        self, request: wire.ReleaseLeaseRequest, context: aio.ServicerContext[Any, Any]
    ) -> wire.ReleaseLeaseResponse:
        """Keep what was measured, end the lease before its time, and say when to measure next."""
        collector, agent_id, site, now = self._collector, caller().name, await self._site(), self._collector.now()
        lease = collector.leases.release(agent_id, request.token)
        result = request.result if request.HasField("result") else None
        answer = wire.ReleaseLeaseResponse()
        if lease is not None:
            try:
                answer.contention = await collector.write(
                    lambda transaction: end_measurement(transaction, lease, result, now)
                )
            except CollectorError:
                collector.leases.put_back(lease)  # its line is freed at the next look
                raise
        measure_at = await self._next_turn(site, agent_id, now)
        if measure_at is not None:
            answer.measure_at.FromDatetime(measure_at)
        return answer

    async def _lacking(self, agent_id: str, said: bytes) -> Sequence[bytes]:
        """Note by which authorities a machine knows the collector, and return those by which it is to know it."""
        if len(said) != hashlib.sha256().digest_size:
            raise InvalidInput("La demande dit mal à quelles autorités ce poste se fie.")
        authority = self._collector.authority
        found = await self._collector.read(lambda transaction: trust(transaction, authority, agent_id, said))
        if found.is_news:
            await self._collector.write(lambda transaction: Agents(transaction).note_trust(agent_id, said))
        return found.lacking

    async def _note_candidate(self, request: wire.GetPlanRequest, site: SiteRow, now: datetime) -> None:
        candidate = LineCandidateRow(
            agent_id=caller().name,
            finess=site.finess,
            wireless=request.wireless if request.HasField("wireless") else None,
            metered=request.metered if request.HasField("metered") else None,
            seen_at=now,
        )
        if await self._collector.read(lambda transaction: is_news(transaction, candidate)):
            await self._collector.write(lambda transaction: LineCandidates(transaction).save(candidate))

    async def _next_turn(self, site: SiteRow, agent_id: str, now: datetime) -> datetime | None:
        metered = profile_of(self._collector.pack, site).measures_metered_lines
        return await self._collector.read(
            lambda transaction: next_turn(transaction, site.finess, agent_id, now, metered=metered)
        )

    def _message(self, lease: Lease) -> wire.Lease:
        return wire.Lease(
            token=lease.token,
            port=self._collector.reached_at.measure.port,
            time_to_live=_duration(lease.first_seconds),
            bytes_per_direction=lease.bytes_per_direction,
            method=lease.method,
            down_target_bits_per_second=lease.down_target_bits_per_second,
            up_target_bits_per_second=lease.up_target_bits_per_second,
            user_bits_per_second=lease.user_bits_per_second,
            streams=lease.streams,
            server_load=lease.server_load,
            http_port=self._collector.reached_at.http.port if self._collector.reached_at.http is not None else 0,
        )

    async def _elected(self, finess: str, now: datetime) -> bool:
        """Return whether the calling machine is the one that asks the services of its site today."""
        agent_id = caller().name
        found = await self._collector.read(lambda transaction: turn(transaction, finess, agent_id, now))
        if found is Turn.NOBODYS:
            return await self._collector.write(lambda transaction: elect(transaction, finess, agent_id, now))
        return found is Turn.MINE

    async def _site(self) -> SiteRow:
        finess = caller().finess
        return await self._collector.read(lambda transaction: require_site(transaction, finess))


def egress(peer: str) -> str:
    """Return the address of gRPC's `ipv4:192.0.2.1:4242` or `ipv6:%5B2001:db8::1%5D:4242`."""
    address = unquote(peer).partition(":")[2].rpartition(":")[0]
    return address.removeprefix("[").removesuffix("]")


def _duration(seconds: float) -> Duration:
    duration = Duration()
    duration.FromMilliseconds(round(seconds * 1000))
    return duration
