"""A list comes soon, whatever there is to judge."""

import asyncio
import time

import pytest
from tests.collector.conftest import SITE, Identity, Installation, report_of

from prerequis.v1.judgement_pb2 import Readiness
from prerequis.v1.report_pb2 import SubmitRequest
from prerequis.v1.report_pb2_grpc import ReportServiceStub
from prerequis.v1.review_pb2 import ListSitesRequest, ListSitesResponse
from prerequis.v1.review_pb2_grpc import ReviewServiceStub
from prerequis_collector.api import refresh
from prerequis_collector.collector import Collector
from prerequis_collector.errors import StorageUnavailable
from prerequis_collector.services.summarise import Summary


async def listed(installation: Installation, operator: Identity) -> ListSitesResponse:
    async with installation.channel(operator) as channel:
        return await ReviewServiceStub(channel).ListSites(ListSitesRequest())


async def test_a_list_that_is_long_in_judging_comes_with_what_is_known_and_its_day(
    installation: Installation, agent: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    dsi, today = installation.operator("dsi"), installation.collector.now()
    first = (await listed(installation, dsi)).sites[0]
    assert (first.finess, first.workstations) == (SITE, 0)
    assert first.judged_on.ToDatetime().date() == today.date()
    async with installation.channel(agent) as channel:
        await ReportServiceStub(channel).Submit(SubmitRequest(report=agent.sign(report_of())))

    judge_at_leisure = refresh._judge

    def slowly(collector: Collector, sites: list[str]) -> list[Summary]:
        time.sleep(1.0)
        return judge_at_leisure(collector, sites)

    monkeypatch.setattr(refresh, "_judge", slowly)
    monkeypatch.setattr(refresh.refresh_soon, "__defaults__", (0.2,))
    early = await listed(installation, dsi)
    assert (early.sites[0].workstations, early.being_judged) == (0, 1)
    await asyncio.gather(*installation.collector.refreshes)
    late = await listed(installation, dsi)
    assert (late.sites[0].workstations, late.being_judged) == (1, 0)


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
    async def fails(collector: Collector) -> None:
        await asyncio.sleep(0.05)
        raise StorageUnavailable("disque plein")

    monkeypatch.setattr(refresh, "refresh", fails)
    with pytest.raises(StorageUnavailable):
        await refresh.refresh_soon(installation.collector, 5.0)
    caplog.clear()
    await refresh.refresh_soon(installation.collector, 0.0)
    await asyncio.sleep(0.2)
    assert "jugés de nouveau" in caplog.text


async def test_many_who_ask_at_once_share_what_goes_on(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = 0

    async def counts(collector: Collector) -> None:
        nonlocal started
        started += 1
        await asyncio.sleep(0.2)

    monkeypatch.setattr(refresh, "refresh", counts)
    await asyncio.gather(*(refresh.refresh_soon(installation.collector, 0.0) for _ in range(20)))
    assert started <= 2
    await asyncio.gather(*installation.collector.refreshes)
