"""Bringing the kept summaries up to date before a list is shown.

Collectors that share a database share this work too: each claims some of the sites, and what a collector that died had
claimed is taken over when its claim ends.
"""

import asyncio
from datetime import timedelta

from prerequis_collector.collector import Collector
from prerequis_collector.services.judge import JudgedSite, judge, known_site
from prerequis_collector.services.summarise import Summary, keep_summary, stale_sites, summary_of
from prerequis_collector.store.database import Transaction
from prerequis_collector.store.judging_jobs import JudgingJobs

_BATCH = 100
"""Sites judged between two writes."""
CLAIM = timedelta(seconds=30)
"""Many times what judging a batch takes."""
_ASK_AGAIN_SECONDS = 0.1


async def refresh(collector: Collector) -> None:
    """Judge again every site whose summary rests on something that changed; the others cost nothing."""
    async with collector.judging:
        stale = await collector.read(lambda transaction: _stale(collector, transaction))
        if not stale:
            return
        await collector.write(lambda transaction: JudgingJobs(transaction).lay(stale))
        while True:
            mine = await collector.write(lambda transaction: _claim(collector, transaction))
            if mine:
                summaries = await asyncio.to_thread(_judge, collector, mine)
                await _finish(collector, mine, summaries)
            elif await collector.read(lambda transaction: JudgingJobs(transaction).waiting()):
                # The rest is in the hands of other collectors.
                await asyncio.sleep(_ASK_AGAIN_SECONDS)
            else:
                return


async def judge_now(collector: Collector, finess: str) -> JudgedSite:
    """Return one site judged at this moment; raises NotFound."""
    known = await collector.read(lambda transaction: known_site(transaction, finess))
    return await asyncio.to_thread(judge, collector.pack, known, collector.now())


def _stale(collector: Collector, transaction: Transaction) -> list[str]:
    return stale_sites(transaction, collector.pack, collector.now())


def _claim(collector: Collector, transaction: Transaction) -> list[str]:
    now = collector.now()
    return list(JudgingJobs(transaction).claim(collector.holder, _BATCH, now, now + CLAIM))


def _judge(collector: Collector, sites: list[str]) -> list[Summary]:
    with collector.database.read() as transaction:
        return [
            summary_of(collector.pack, judge(collector.pack, known_site(transaction, finess), collector.now()))
            for finess in sites
        ]


async def _finish(collector: Collector, sites: list[str], summaries: list[Summary]) -> None:
    def keep(transaction: Transaction) -> None:
        for summary in summaries:
            keep_summary(transaction, summary)
        JudgingJobs(transaction).finish(collector.holder, sites)

    await collector.write(keep)
