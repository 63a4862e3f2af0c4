"""A list comes soon, whatever there is to judge."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.collector.conftest import SITE, Identity, Installation, report_of

from prerequis.v1.judgement_pb2 import Readiness
from prerequis.v1.ordering_pb2 import ListNeedsRequest, RecordOrderRequest
from prerequis.v1.ordering_pb2_grpc import OrderingServiceStub
from prerequis.v1.report_pb2 import SubmitRequest
from prerequis.v1.report_pb2_grpc import ReportServiceStub
from prerequis.v1.review_pb2 import GetJudgingRequest, ListSitesRequest, ListSitesResponse
from prerequis.v1.review_pb2_grpc import ReviewServiceStub
from prerequis_collector.api import refresh
from prerequis_collector.collector import Collector
from prerequis_collector.errors import StorageUnavailable
from prerequis_collector.services.summarise import Summary


async def listed(installation: Installation, operator: Identity) -> ListSitesResponse:
    async with installation.channel(operator) as channel:
        return await ReviewServiceStub(channel).ListSites(ListSitesRequest())


@contextmanager
def judging_held(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep every judging from beginning until the end of the block; lists do not wait for it."""
    judge_at_leisure, go_on = refresh._judge, threading.Event()

    def held(collector: Collector, sites: list[str]) -> list[Summary]:
        go_on.wait(60.0)
        return judge_at_leisure(collector, sites)

    monkeypatch.setattr(refresh, "_judge", held)
    monkeypatch.setattr(refresh.refresh_soon, "__defaults__", (0.0,))
    try:
        yield
    finally:
        go_on.set()


async def test_a_list_that_is_long_in_judging_comes_with_what_is_known_and_its_day(
    installation: Installation, agent: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    dsi, today = installation.operator("dsi"), installation.collector.now()
    first = (await listed(installation, dsi)).sites[0]
    assert (first.finess, first.workstations) == (SITE, 0)
    assert first.judged_on.ToDatetime().date() == today.date()
    async with installation.channel(agent) as channel:
        await ReportServiceStub(channel).Submit(SubmitRequest(report=agent.sign(report_of())))
    with judging_held(monkeypatch):
        early = await listed(installation, dsi)
        assert (early.sites[0].workstations, early.being_judged) == (0, 1)
    await asyncio.gather(*installation.collector.refreshes)
    late = await listed(installation, dsi)
    assert (late.sites[0].workstations, late.being_judged) == (1, 0)


async def test_needs_and_orders_tell_that_they_rest_on_what_is_being_judged_again(
    installation: Installation, agent: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    dsi = installation.operator("dsi")
    await listed(installation, dsi)
    async with installation.channel(agent) as channel:
        await ReportServiceStub(channel).Submit(SubmitRequest(report=agent.sign(report_of(readers=0))))
    order = RecordOrderRequest(finess=SITE, item="smartcard-reader", quantity=1, reference="BC-1")
    async with installation.channel(dsi) as channel:
        ordering = OrderingServiceStub(channel)
        with judging_held(monkeypatch):
            early = await ordering.ListNeeds(ListNeedsRequest())
            early_order = await ordering.RecordOrder(order)
        assert (early.being_judged, early_order.being_judged) == (1, True)
        await asyncio.gather(*installation.collector.refreshes)
        late, late_order = await ordering.ListNeeds(ListNeedsRequest()), await ordering.RecordOrder(order)
    assert (late.being_judged, late_order.being_judged) == (0, False)


async def test_one_who_asks_how_the_judging_goes_sees_to_it_that_it_does(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with installation.channel(installation.operator("dsi")) as channel:
        review = ReviewServiceStub(channel)
        with judging_held(monkeypatch):
            assert (await review.GetJudging(GetJudgingRequest())).being_judged == 1
        await asyncio.gather(*installation.collector.refreshes)
        assert (await review.GetJudging(GetJudgingRequest())).being_judged == 0
        (site,) = (await review.ListSites(ListSitesRequest())).sites
    assert site.readiness != Readiness.READINESS_UNSPECIFIED


async def test_an_operator_of_one_organisation_is_told_of_its_own_sites_being_judged(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    with judging_held(monkeypatch):
        async with installation.channel(installation.operator("dsi", "dsi", "--organisation", "750000001")) as channel:
            assert (await ReviewServiceStub(channel).GetJudging(GetJudgingRequest())).being_judged == 0
    await asyncio.gather(*installation.collector.refreshes)


async def test_a_site_never_judged_is_listed_without_a_readiness(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refresh.refresh_soon, "__defaults__", (0.0,))
    answer = await listed(installation, installation.operator("dsi"))
    assert [site.finess for site in answer.sites] == [SITE]
    assert answer.sites[0].readiness in (Readiness.READINESS_UNSPECIFIED, Readiness.INSUFFICIENT_DATA)
    assert answer.being_judged in (0, 1)


async def test_what_fails_in_time_is_told_and_what_fails_later_is_written_down(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fail = asyncio.Event()

    async def fails(collector: Collector) -> None:
        await fail.wait()
        raise StorageUnavailable("disque plein")

    monkeypatch.setattr(refresh, "refresh", fails)
    await refresh.refresh_soon(installation.collector, 0.0)
    (later,) = installation.collector.refreshes
    assert "jugés de nouveau" not in caplog.text
    fail.set()
    assert isinstance((await asyncio.gather(later, return_exceptions=True))[0], StorageUnavailable)
    assert "jugés de nouveau" in caplog.text
    with pytest.raises(StorageUnavailable):
        await refresh.refresh_soon(installation.collector, 60.0)


async def test_many_who_ask_at_once_share_what_goes_on(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    started, go_on = 0, asyncio.Event()

    async def counts(collector: Collector) -> None:
        nonlocal started
        started += 1
        await go_on.wait()

    monkeypatch.setattr(refresh, "refresh", counts)
    await asyncio.gather(*(refresh.refresh_soon(installation.collector, 0.0) for _ in range(20)))
    go_on.set()
    await asyncio.gather(*installation.collector.refreshes)
    assert started <= 2
