"""ServicesReviewService: which of the services that a site needs it reaches."""

from typing import Any

from grpc import aio

from prerequis.v1 import services_review_pb2 as wire
from prerequis.v1.services_review_pb2_grpc import ServicesReviewServiceServicer
from prerequis_collector.collector import Collector
from prerequis_collector.services.services_review import review_services


class ServicesReview(ServicesReviewServiceServicer):
    """Answers operators."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    async def GetServices(
        self, request: wire.GetServicesRequest, context: aio.ServicerContext[Any, Any]
    ) -> wire.GetServicesResponse:
        """Return what was last found of one site's services."""
        pack = self._collector.pack
        return await self._collector.read(lambda transaction: review_services(transaction, pack, request.finess))
