"""Keeps the claims of this collector's leases alive in the database, and frees those that ended by themselves."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from prerequis_collector.beside import beside
from prerequis_collector.collector import Collector
from prerequis_collector.errors import CollectorError
from prerequis_collector.services.lease import TIME_TO_LIVE_SECONDS
from prerequis_collector.services.line_results import end_measurement
from prerequis_collector.store.line_claims import LineClaims

LOOK_SECONDS = 1.0
"""How soon a lease that ended is noticed; looking costs nothing while none is in use."""

EXTEND_SECONDS = TIME_TO_LIVE_SECONDS / 3
"""How often claims are written anew: a collector that dies leaves them for their time to live at most."""

_log = logging.getLogger(__name__)


@asynccontextmanager
async def keeping_leases(collector: Collector) -> AsyncIterator[None]:
    """Look after the leases while the block runs; first free what this collector held before it was started anew."""
    await collector.write(lambda transaction: LineClaims(transaction).drop_of_holder(collector.holder))
    async with beside(_keep(collector), "looking after leases"):
        yield


async def _keep(collector: Collector) -> None:
    extended = time.monotonic()
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            await free_ended(collector)
            if time.monotonic() - extended >= EXTEND_SECONDS:
                extended = time.monotonic()
                await _extend(collector)
        except CollectorError as error:
            # The database does not answer now: the claims live on for a while, and the next look tries again.
            _log.warning("leases not looked after: %s", error)


async def free_ended(collector: Collector) -> None:
    """Note the end of every lease that ended without being released, and free its line; raises StorageUnavailable."""
    while (lease := collector.leases.next_ended()) is not None:
        try:
            await collector.write(partial(end_measurement, lease=lease, result=None, now=collector.now()))
        except CollectorError:
            collector.leases.put_back(lease)
            raise


async def _extend(collector: Collector) -> None:
    live = [lease.measurement for lease in collector.leases.live()]
    if live:
        until = collector.now() + timedelta(seconds=TIME_TO_LIVE_SECONDS)
        await collector.write(lambda transaction: LineClaims(transaction).extend(live, until))
