"""A collector as a process: how it ends, and what it has promised by then."""

import asyncio
import resource
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
from grpc import aio
from tests.collector.commands.process import channel, enrolled, served
from tests.collector.conftest import refusal, report_of

from prerequis.trailers import is_told
from prerequis.v1.report_pb2 import Receipt, SignedReport, SubmitRequest
from prerequis.v1.report_pb2_grpc import ReportServiceStub


async def test_a_collector_told_to_stop_ends_well(data: Path) -> None:
    with served(data) as where:
        where.process.send_signal(signal.SIGTERM)
        assert where.process.wait(60) == 0
    assert "Traceback" not in (data / "log").read_text()


async def test_every_acknowledged_report_survives_a_kill_in_the_middle_of_the_rush(data: Path) -> None:
    kept: list[SignedReport] = []
    start = datetime.now(UTC) - timedelta(days=1)
    with served(data) as where:
        agent, authority = await enrolled(data, where)

        async def rush(lane: int) -> None:
            async with channel(where, agent, authority) as calls:
                stub = ReportServiceStub(calls)
                for number in range(10_000):
                    report = report_of(f"PC-{lane}", at=start + timedelta(seconds=number))
                    signed = agent.sign(report)
                    try:
                        answer = await stub.Submit(SubmitRequest(report=signed), timeout=60)
                    except aio.AioRpcError:
                        return
                    assert answer.receipt.state == Receipt.KEPT
                    kept.append(signed)

        async def kill() -> None:
            ends = time.monotonic() + 120
            while len(kept) < 60 and time.monotonic() < ends:
                await asyncio.sleep(0.01)
            where.process.kill()

        await asyncio.gather(kill(), *(rush(lane) for lane in range(6)))
        assert where.process.wait(60) == -signal.SIGKILL
    assert len(kept) >= 60
    with served(data) as where:
        async with channel(where, agent, authority) as calls:
            stub = ReportServiceStub(calls)
            answers = [await stub.Submit(SubmitRequest(report=signed)) for signed in kept]
    assert {answer.receipt.state for answer in answers} == {Receipt.ALREADY_KEPT}


async def test_a_full_disk_refuses_what_comes_loses_nothing_and_ends_with_the_fullness(data: Path) -> None:
    with served(data) as where:
        agent, authority = await enrolled(data, where)
        before, during = agent.sign(report_of("PC-1")), agent.sign(report_of("PC-2"))
        async with channel(where, agent, authority) as calls:
            stub = ReportServiceStub(calls)
            assert (await stub.Submit(SubmitRequest(report=before))).receipt.state == Receipt.KEPT
            # No file of the process may grow beyond what the log has: like a disk without a free block.
            resource.prlimit(where.process.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
            refused = stub.Submit(SubmitRequest(report=during), timeout=30)
            code, sentence = await refusal(refused)
            assert (code, "disque plein" in sentence) == (grpc.StatusCode.UNAVAILABLE, True)
            assert is_told(await refused.trailing_metadata())
            resource.prlimit(where.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            assert (await stub.Submit(SubmitRequest(report=during))).receipt.state == Receipt.KEPT
            assert (await stub.Submit(SubmitRequest(report=before))).receipt.state == Receipt.ALREADY_KEPT
