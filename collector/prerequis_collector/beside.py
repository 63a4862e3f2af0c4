"""Work that goes on beside the calls of a serving collector."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

_log = logging.getLogger(__name__)


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, None], meaning: str) -> AsyncIterator[None]:
    """Do the work until the block ends; a fault that ends it before is logged at once, by what it was to do."""
    task = asyncio.create_task(work)
    task.add_done_callback(partial(_tell, meaning))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _tell(meaning: str, task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        _log.error("%s: no more, until the collector is started anew", meaning, exc_info=task.exception())
