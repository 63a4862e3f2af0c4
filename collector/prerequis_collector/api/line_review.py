"""LineReviewService: what the sites' lines carry."""

from typing import Any

from grpc import aio

from prerequis.v1 import line_review_pb2 as wire
from prerequis.v1.line_review_pb2_grpc import LineReviewServiceServicer
from prerequis_collector.api.guard import caller
from prerequis_collector.collector import Collector
from prerequis_collector.services.line_review import review_line, review_lines


class LineReview(LineReviewServiceServicer):
    """Answers operators."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    async def GetLine(
        self, request: wire.GetLineRequest, context: aio.ServicerContext[Any, Any]
    ) -> wire.GetLineResponse:
        """Return one site's line and its measurements."""
        pack, now = self._collector.pack, self._collector.now()
        return await self._collector.read(
            lambda transaction: review_line(transaction, pack, request.finess, request.days, now)
        )

    async def ListLines(
        self, request: wire.ListLinesRequest, context: aio.ServicerContext[Any, Any]
    ) -> wire.ListLinesResponse:
        """Return what the line of every site carries."""
        pack, now, organisation = self._collector.pack, self._collector.now(), caller().organisation
        lines = await self._collector.read(lambda transaction: review_lines(transaction, pack, now, organisation))
        return wire.ListLinesResponse(lines=lines)
