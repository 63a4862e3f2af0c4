"""WaiverService: deviations that are accepted for a time."""

from datetime import UTC
from typing import Any

from grpc import aio

from prerequis.v1 import waiver_pb2 as wire
from prerequis.v1.waiver_pb2_grpc import WaiverServiceServicer
from prerequis_collector.api.guard import caller
from prerequis_collector.collector import Collector
from prerequis_collector.errors import InvalidInput
from prerequis_collector.services.waive import approve, end, list_waivers, propose


class Waivers(WaiverServiceServicer):
    """Answers operators; each change is in the caller's name."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    async def ProposeWaiver(
        self, request: wire.ProposeWaiverRequest, context: aio.ServicerContext[Any, Any]
    ) -> wire.ProposeWaiverResponse:
        """Keep a proposal."""
        pack, author, now = self._collector.pack, caller().name, self._collector.now()
        try:
            expires = request.expires.ToDatetime(UTC)
        except (ValueError, OverflowError):
            raise InvalidInput("La date de fin de la dérogation est illisible.") from None
        waiver = await self._collector.write(
            lambda transaction: propose(
                transaction,
                pack,
                finess=request.finess,
                rule=request.rule,
                workstation_id=request.workstation_id,
                reason=request.reason,
                expires=expires,
                author=author,
                now=now,
            )
        )
        return wire.ProposeWaiverResponse(waiver=waiver)

    async def ApproveWaiver(
        self, request: wire.ApproveWaiverRequest, context: aio.ServicerContext[Any, Any]
    ) -> wire.ApproveWaiverResponse:
        """Put a proposal in force."""
        approver, now = caller().name, self._collector.now()
        waiver = await self._collector.write(
            lambda transaction: approve(
                transaction, finess=request.finess, waiver_id=request.id, approver=approver, now=now
            )
        )
        return wire.ApproveWaiverResponse(waiver=waiver)

    async def EndWaiver(
        self, request: wire.EndWaiverRequest, context: aio.ServicerContext[Any, Any]
    ) -> wire.EndWaiverResponse:
        """End a waiver, or withdraw its proposal."""
        author, now = caller().name, self._collector.now()
        waiver = await self._collector.write(
            lambda transaction: end(transaction, finess=request.finess, waiver_id=request.id, author=author, now=now)
        )
        return wire.EndWaiverResponse(waiver=waiver)

    async def ListWaivers(
        self, request: wire.ListWaiversRequest, context: aio.ServicerContext[Any, Any]
    ) -> wire.ListWaiversResponse:
        """Return the waivers of one site or of all."""
        organisation, now = caller().organisation, self._collector.now()
        found = await self._collector.read(
            lambda transaction: list_waivers(transaction, request.finess, organisation, now)
        )
        return wire.ListWaiversResponse(waivers=found)
