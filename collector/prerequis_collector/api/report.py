"""ReportService: a receipt leaves only after the report is on the disk."""

import logging
from collections.abc import AsyncIterator
from typing import Any

from grpc import aio

from prerequis.v1.report_pb2 import (
    ConfirmRequest,
    ConfirmResponse,
    Receipt,
    SignedReport,
    SubmitManyRequest,
    SubmitManyResponse,
    SubmitRequest,
    SubmitResponse,
)
from prerequis.v1.report_pb2_grpc import ReportServiceServicer
from prerequis_collector.api.guard import caller
from prerequis_collector.collector import Collector
from prerequis_collector.services import accept

_STATES = {Receipt.KEPT: "kept", Receipt.ALREADY_KEPT: "already_kept", Receipt.REFUSED: "refused"}

_log = logging.getLogger(__name__)


class Reports(ReportServiceServicer):
    """Answers agents; a report is its signer's, whoever brings it."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    async def Submit(self, request: SubmitRequest, context: aio.ServicerContext[Any, Any]) -> SubmitResponse:
        """Return the receipt of one report."""
        return SubmitResponse(receipt=await self._receipt(request.report))

    async def SubmitMany(
        self, request_iterator: AsyncIterator[SubmitManyRequest], context: aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[SubmitManyResponse]:
        """Give one receipt for each report, in order."""
        async for request in request_iterator:
            yield SubmitManyResponse(receipt=await self._receipt(request.report))

    async def Confirm(self, request: ConfirmRequest, context: aio.ServicerContext[Any, Any]) -> ConfirmResponse:
        """Return the receipt of the caller's newest report, which still holds."""
        agent_id, now = caller().name, self._collector.now()
        receipt = await self._collector.write(lambda transaction: accept.confirm(transaction, agent_id, request, now))
        return ConfirmResponse(receipt=receipt)

    async def _receipt(self, signed: SignedReport) -> Receipt:
        collector, bearer = self._collector, caller()
        receipt = await collector.intake.keep(signed, bearer)
        collector.metrics.report(_STATES[receipt.state])
        if receipt.state == Receipt.REFUSED:
            _log.warning("report %s brought by %s refused: %s", receipt.digest.hex(), bearer.name, receipt.reason)
        return receipt
