"""A collector under more than it can hold: it sends away what is too much, stays small, and goes on."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import grpc
import psutil
from grpc import aio
from tests.collector.commands.process import channel, enrolled, served
from tests.collector.conftest import report_of

from prerequis.v1.report_pb2 import Receipt, SubmitRequest
from prerequis.v1.report_pb2_grpc import ReportServiceStub
from prerequis_collector.api.admission import MAIN

MOST_BYTES = 512 * 1024 * 1024


async def test_a_flood_of_the_largest_messages_leaves_the_collector_small_and_serving(data: Path) -> None:
    with served(data) as where:
        machines = []
        for _ in range(4):
            (data / "ticket.toml").unlink(missing_ok=True)
            machines.append(await enrolled(data, where))
        process, largest = psutil.Process(where.process.pid), 0
        huge = SubmitRequest(report=machines[0][0].sign(bytes(MAIN.largest_message - 4096)))
        codes: list[grpc.StatusCode] = []

        async def pour(stub: ReportServiceStub) -> None:
            try:
                answer = await stub.Submit(huge, timeout=60)
            except aio.AioRpcError as refused:
                codes.append(refused.code())
            else:
                assert answer.receipt.state == Receipt.REFUSED

        async def watch() -> None:
            nonlocal largest
            while True:
                largest = max(largest, process.memory_info().rss)
                await asyncio.sleep(0.02)

        watching = asyncio.create_task(watch())
        async with AsyncExitStack() as opened:
            stubs = [ReportServiceStub(await opened.enter_async_context(channel(where, *one))) for one in machines]
            await asyncio.gather(*(pour(stub) for stub in stubs for _ in range(MAIN.calls_of_one)))
        watching.cancel()
        assert set(codes) <= {grpc.StatusCode.RESOURCE_EXHAUSTED}
        assert largest < MOST_BYTES, f"{largest / 1e6:.0f} MB, {len(codes)} sent away"
        async with channel(where, *machines[0]) as calls:
            answer = await ReportServiceStub(calls).Submit(SubmitRequest(report=machines[0][0].sign(report_of())))
        assert answer.receipt.state == Receipt.KEPT
        print(f"{largest / 1e6:.0f} MB at most, {len(codes)} calls sent away")
    assert "Traceback" not in (data / "log").read_text()
