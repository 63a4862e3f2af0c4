"""Bringing the kept summaries up to date before a list is shown."""

import asyncio

from prerequis_collector.collector import Collector
from prerequis_collector.services.judge import JudgedSite, judge, known_site
from prerequis_collector.services.summarise import keep_summary, stale_sites, summary_of

_BATCH = 200
"""Sites judged between two writes."""


async def refresh(collector: Collector) -> None:
    """Judge again every site whose summary rests on something that changed; the others cost nothing."""
    async with collector.judging:
        now = collector.now()
        stale = await collector.read(lambda transaction: stale_sites(transaction, collector.pack, now))
        for start in range(0, len(stale), _BATCH):
            judged = await asyncio.to_thread(_judge, collector, stale[start : start + _BATCH])
            await asyncio.gather(*(_keep(collector, each) for each in judged))


async def judge_now(collector: Collector, finess: str) -> JudgedSite:
    """Return one site judged at this moment; raises NotFound."""
    known = await collector.read(lambda transaction: known_site(transaction, finess))
    return await asyncio.to_thread(judge, collector.pack, known, collector.now())


def _judge(collector: Collector, sites: list[str]) -> list[JudgedSite]:
    with collector.database.read() as transaction:
        return [judge(collector.pack, known_site(transaction, finess), collector.now()) for finess in sites]


async def _keep(collector: Collector, judged: JudgedSite) -> None:
    await collector.write(lambda transaction: keep_summary(transaction, summary_of(collector.pack, judged)))
