"""Bringing the kept summaries up to date before a list is shown, as far as that is soon done.

After a night or a change of rules every site is to be judged again, which may take minutes: the list then shows what is
known with its day, and the judging goes on meanwhile.

Collectors that share a database share this work too: each claims some of the sites, and what a collector that died had
claimed is taken over when its claim ends.
"""

import asyncio
import logging
from datetime import timedelta

from prerequis_collector.collector import Collector
from prerequis_collector.services.judge import JudgedSite, judge, known_site
from prerequis_collector.services.summarise import Summary, keep_summary, stale_sites, summary_of
from prerequis_collector.store.database import Transaction
from prerequis_collector.store.judging_jobs import JudgingJobs
from prerequis_rules.memory import Memory

_BATCH = 100
"""Sites judged between two writes."""
CLAIM = timedelta(seconds=30)
"""Many times what judging a batch takes."""
_ASK_AGAIN_SECONDS = 0.1
_PATIENCE_SECONDS = 3.0
"""As long as a person waits for a list without wondering."""
_LOG = logging.getLogger(__name__)


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


async def refresh_soon(collector: Collector, patience: float = _PATIENCE_SECONDS) -> None:
    """Bring summaries up to date, or come back after so many seconds and let that go on; raises what judging raises."""
    collector.refreshes[:] = [task for task in collector.refreshes if not task.done()]
    # One that runs may have looked before the caller's last change; one that waits for it has not.
    if len(collector.refreshes) < 2:
        started = asyncio.create_task(refresh(collector))
        started.add_done_callback(_log_failure)
        collector.refreshes.append(started)
    task = collector.refreshes[-1]
    await asyncio.wait([task], timeout=patience)
    if task.done():
        await task


async def stop_refreshing(collector: Collector) -> None:
    """End what goes on in the background; what was not judged is claimed again at the next start."""
    for task in collector.refreshes:
        task.cancel()
    await asyncio.gather(*collector.refreshes, return_exceptions=True)


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        _LOG.error("les sites n'ont pas pu être jugés de nouveau", exc_info=task.exception())


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
    now, memory = collector.now(), Memory(collector.pack)
    with collector.database.read() as transaction:
        return [
            summary_of(collector.pack, judge(collector.pack, known_site(transaction, finess), now, memory))
            for finess in sites
        ]


async def _finish(collector: Collector, sites: list[str], summaries: list[Summary]) -> None:
    def keep(transaction: Transaction) -> None:
        for summary in summaries:
            keep_summary(transaction, summary)
        JudgingJobs(transaction).finish(collector.holder, sites)

    await collector.write(keep)
