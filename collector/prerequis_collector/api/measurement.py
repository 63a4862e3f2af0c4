"""MeasurementService: what to reach, and when to load the line."""

from typing import Any
from urllib.parse import unquote

from google.protobuf.duration_pb2 import Duration
from grpc import aio

from prerequis.v1 import measurement_pb2 as wire
from prerequis.v1.measurement_pb2_grpc import MeasurementServiceServicer
from prerequis_collector.api.guard import caller
from prerequis_collector.collector import Collector
from prerequis_collector.services.lease import TIME_TO_LIVE_SECONDS, Busy
from prerequis_collector.services.plan import demand_bits_per_second, plan_of, profile_of
from prerequis_collector.services.progress import site_progress
from prerequis_collector.services.register import require_site
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
        plan = plan_of(pack, site, self._collector.reached_at.listen)
        progress = await self._collector.read(lambda transaction: site_progress(transaction, pack, site, now))
        plan.progress.CopyFrom(progress)
        return plan

    async def AcquireLease(
        self, request: wire.AcquireLeaseRequest, context: aio.ServicerContext[Any, Any]
    ) -> wire.AcquireLeaseResponse:
        """Return a lease, or when to ask again."""
        site = await self._site()
        demand = demand_bits_per_second(profile_of(self._collector.pack, site), site)
        lease = self._collector.leases.acquire(caller().name, site.finess, egress(context.peer()), demand)
        if isinstance(lease, Busy):
            return wire.AcquireLeaseResponse(retry_after=_duration(lease.retry_after_seconds))
        return wire.AcquireLeaseResponse(
            lease=wire.Lease(
                token=lease.token,
                port=self._collector.reached_at.measure.port,
                time_to_live=_duration(TIME_TO_LIVE_SECONDS),
                bytes_per_direction=lease.bytes_per_direction,
            )
        )

    async def RenewLease(
        self, request: wire.RenewLeaseRequest, context: aio.ServicerContext[Any, Any]
    ) -> wire.RenewLeaseResponse:
        """Let the lease live on."""
        self._collector.leases.renew(caller().name, request.token)
        return wire.RenewLeaseResponse(time_to_live=_duration(TIME_TO_LIVE_SECONDS))

    async def ReleaseLease(
        self, request: wire.ReleaseLeaseRequest, context: aio.ServicerContext[Any, Any]
    ) -> wire.ReleaseLeaseResponse:
        """End the lease before its time."""
        self._collector.leases.release(caller().name, request.token)
        return wire.ReleaseLeaseResponse()

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
