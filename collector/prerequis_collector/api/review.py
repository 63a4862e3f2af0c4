"""ReviewService: how sites stand, and what people answer."""

from typing import Any

from grpc import aio

from prerequis.v1 import review_pb2 as wire
from prerequis.v1.review_pb2_grpc import ReviewServiceServicer
from prerequis_collector.api.guard import caller
from prerequis_collector.api.refresh import judge_now, refresh_soon
from prerequis_collector.collector import Collector
from prerequis_collector.services.answer import save_answer
from prerequis_collector.services.parameters import save_parameter
from prerequis_collector.services.scorecard import pack_message, scorecard
from prerequis_collector.services.summarise import count_being_judged, list_sites


class Review(ReviewServiceServicer):
    """Answers operators."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    async def ListSites(
        self, request: wire.ListSitesRequest, context: aio.ServicerContext[Any, Any]
    ) -> wire.ListSitesResponse:
        """Return one line per site, in FINESS order, each as of the day on which it was last judged."""
        await refresh_soon(self._collector)
        pack, now, organisation = self._collector.pack, self._collector.now(), caller().organisation
        return await self._collector.read(lambda transaction: list_sites(transaction, pack, now, organisation))

    async def GetJudging(
        self, request: wire.GetJudgingRequest, context: aio.ServicerContext[Any, Any]
    ) -> wire.GetJudgingResponse:
        """Return how many of the caller's sites are being judged; never waits for them."""
        await refresh_soon(self._collector, patience=0.0)
        pack, now, organisation = self._collector.pack, self._collector.now(), caller().organisation
        being_judged = await self._collector.read(
            lambda transaction: count_being_judged(transaction, pack, now, organisation)
        )
        return wire.GetJudgingResponse(being_judged=being_judged)

    async def GetSite(
        self, request: wire.GetSiteRequest, context: aio.ServicerContext[Any, Any]
    ) -> wire.GetSiteResponse:
        """Return one site as it is judged now."""
        return scorecard(self._collector.pack, await judge_now(self._collector, request.finess))

    async def GetPack(
        self, request: wire.GetPackRequest, context: aio.ServicerContext[Any, Any]
    ) -> wire.GetPackResponse:
        """Return the rules and questions in force."""
        return pack_message(self._collector.pack)

    async def SaveAnswer(
        self, request: wire.SaveAnswerRequest, context: aio.ServicerContext[Any, Any]
    ) -> wire.SaveAnswerResponse:
        """Keep an answer in the caller's name."""
        pack, author, now = self._collector.pack, caller().name, self._collector.now()
        answer = await self._collector.write(
            lambda transaction: save_answer(
                transaction,
                pack,
                finess=request.finess,
                question=request.question,
                choice=request.choice,
                comment=request.comment,
                author=author,
                now=now,
            )
        )
        return wire.SaveAnswerResponse(answer=answer)

    async def SetParameter(
        self, request: wire.SetParameterRequest, context: aio.ServicerContext[Any, Any]
    ) -> wire.SetParameterResponse:
        """Settle a parameter of a site in the caller's name."""
        pack, author, now = self._collector.pack, caller().name, self._collector.now()
        parameter = await self._collector.write(
            lambda transaction: save_parameter(
                transaction,
                pack,
                finess=request.finess,
                name=request.name,
                value=request.value,
                reason=request.reason,
                author=author,
                now=now,
            )
        )
        return wire.SetParameterResponse(parameter=parameter)
