"""EnrolmentService: a ticket becomes a certificate, a certificate becomes the next one."""

from typing import Any

from grpc import aio

from prerequis.v1.enrolment_pb2 import EnrolRequest, EnrolResponse, RenewRequest, RenewResponse
from prerequis.v1.enrolment_pb2_grpc import EnrolmentServiceServicer
from prerequis_collector.api.admission import Pace, source
from prerequis_collector.api.guard import caller
from prerequis_collector.collector import Collector
from prerequis_collector.services import enrol


class Enrolment(EnrolmentServiceServicer):
    """Answers agents."""

    def __init__(self, collector: Collector, pace: Pace) -> None:
        self._collector = collector
        self._pace = pace

    async def Enrol(self, request: EnrolRequest, context: aio.ServicerContext[Any, Any]) -> EnrolResponse:
        """Return the new agent's certificate; one use of the ticket is spent with it."""
        self._pace.take(source(context.peer()))
        authority, now = self._collector.authority, self._collector.now()
        enrolled = await self._collector.write(
            lambda transaction: enrol.enrol(transaction, authority, request.ticket, request.csr, now)
        )
        return EnrolResponse(
            chain=enrolled.chain, agent_id=enrolled.agent_id, finess=enrolled.finess, site_name=enrolled.site_name
        )

    async def Renew(self, request: RenewRequest, context: aio.ServicerContext[Any, Any]) -> RenewResponse:
        """Return a new certificate for the calling agent."""
        authority, now, agent_id = self._collector.authority, self._collector.now(), caller().name
        chain = await self._collector.write(
            lambda transaction: enrol.renew(transaction, authority, agent_id, request.csr, now)
        )
        return RenewResponse(chain=chain)
