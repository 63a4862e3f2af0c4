"""What goes on beside the calls of a collector, and what is heard of it when it does not go on."""

import asyncio

import pytest

from prerequis_collector.beside import beside


async def test_work_goes_on_until_the_block_ends_and_nothing_is_said(caplog: pytest.LogCaptureFixture) -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with beside(work(), "watching"):
        await began.wait()
        assert not ended.is_set()
    assert ended.is_set()
    assert caplog.records == []


async def test_a_fault_that_ends_the_work_is_heard_at_once_and_the_block_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def work() -> None:
        raise RuntimeError("broken")

    async with beside(work(), "watching"):
        async with asyncio.timeout(60):
            while not caplog.records:
                await asyncio.sleep(0)
        (record,) = caplog.records
    assert (record.levelname, record.getMessage()) == (
        "ERROR",
        "watching: no more, until the collector is started anew",
    )
    assert record.exc_info is not None
