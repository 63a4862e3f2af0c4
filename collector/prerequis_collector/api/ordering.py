"""OrderingService: what to buy."""

from typing import Any

from grpc import aio

from prerequis.v1 import ordering_pb2 as wire
from prerequis.v1.ordering_pb2_grpc import OrderingServiceServicer
from prerequis_collector.api.guard import caller
from prerequis_collector.api.refresh import refresh_soon
from prerequis_collector.collector import Collector
from prerequis_collector.services.needs import list_needs, record_order


class Ordering(OrderingServiceServicer):
    """Answers operators."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    async def ListNeeds(
        self, request: wire.ListNeedsRequest, context: aio.ServicerContext[Any, Any]
    ) -> wire.ListNeedsResponse:
        """Return the needs of one site or of all."""
        await refresh_soon(self._collector)
        pack, now, organisation = self._collector.pack, self._collector.now(), caller().organisation
        return await self._collector.read(
            lambda transaction: list_needs(transaction, pack, now, request.finess, organisation)
        )

    async def RecordOrder(
        self, request: wire.RecordOrderRequest, context: aio.ServicerContext[Any, Any]
    ) -> wire.RecordOrderResponse:
        """Keep an order in the caller's name."""
        await refresh_soon(self._collector)
        pack, author, now = self._collector.pack, caller().name, self._collector.now()
        return await self._collector.write(
            lambda transaction: record_order(
                transaction,
                pack,
                finess=request.finess,
                item=request.item,
                quantity=request.quantity,
                reference=request.reference,
                author=author,
                now=now,
            )
        )
