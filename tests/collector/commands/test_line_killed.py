"""Who is killed in the middle of a measurement holds nobody up: neither the machine that measures nor the collector."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest
from tests.collector.commands.process import Served, channel, enrolled, served
from tests.collector.conftest import SITE, Identity

from prerequis.v1.line_pb2 import CAPACITY
from prerequis.v1.measurement_pb2 import AcquireLeaseRequest, AcquireLeaseResponse, ReleaseLeaseRequest
from prerequis.v1.measurement_pb2_grpc import MeasurementServiceStub
from prerequis_collector import __main__ as program
from prerequis_collector.services.lease import GRACE_SECONDS, TIME_TO_LIVE_SECONDS

ASKING = AcquireLeaseRequest(method=CAPACITY, attended=True)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    data = tmp_path / "collector"
    assert program.main(["--data", str(data), "init", "--name", "localhost"]) == 0
    register = ["site", "add", SITE, "--name", "Les Tilleuls", "--professionals", "3"]
    assert program.main(["--data", str(data), *register]) == 0
    # Nothing outside this machine is asked for anything.
    with (data / "collector.toml").open("a") as file:
        file.write("national_services = false\n")
    return data


@asynccontextmanager
async def asks(where: Served, agent: Identity, authority: bytes) -> AsyncIterator[MeasurementServiceStub]:
    async with channel(where, agent, authority) as calls:
        yield MeasurementServiceStub(calls)


async def until_lent(stub: MeasurementServiceStub, seconds: float) -> tuple[AcquireLeaseResponse, float]:
    """Return the answer that has a lease, and how long it took to come."""
    began = time.monotonic()
    while not (answer := await stub.AcquireLease(ASKING)).HasField("lease"):
        assert time.monotonic() - began < seconds, answer
        await asyncio.sleep(0.2)
    return answer, time.monotonic() - began


async def test_the_lease_of_a_machine_that_is_killed_while_it_measures_is_soon_free(data: Path, tmp_path: Path) -> None:
    with served(data) as where:
        waiting, authority = await enrolled(data, where)
        agent = [sys.executable, "-m", "prerequis_agent", "--state", str(tmp_path / "agent")]
        subprocess.run([*agent, "enrol", "--ticket", data / "ticket.toml"], check=True, capture_output=True, timeout=60)
        async with asks(where, waiting, authority) as stub:
            # Paced at one user's rate, it lasts for some seconds.
            quiet = subprocess.DEVNULL
            with subprocess.Popen([*agent, "measure"], stdout=quiet, stderr=quiet) as measuring:
                await _until_moving(data)
                measuring.send_signal(signal.SIGKILL)
            _, waited = await until_lent(stub, TIME_TO_LIVE_SECONDS)
    # Its connections ended with it: nobody waits for the lease's own end.
    assert waited < GRACE_SECONDS + 10 < TIME_TO_LIVE_SECONDS


async def _until_moving(data: Path) -> None:
    """Wait until a machine keeps a connection to the byte port: those that time a round trip close at once."""
    port = int(json.loads((data / "listening.json").read_text())["measure"].rpartition(":")[2])
    ends = time.monotonic() + 30
    before: set[int] = set()
    while time.monotonic() < ends:
        now = {
            one.laddr.port
            for one in psutil.net_connections("tcp")
            if one.laddr and one.raddr and one.raddr.port == port and one.status == "ESTABLISHED"
        }
        if before & now:
            return
        before = now
        await asyncio.sleep(0.5)
    pytest.fail("nothing was measured")


async def test_a_collector_that_is_killed_and_started_anew_lends_the_line_at_once(data: Path) -> None:
    with served(data) as where:
        first, authority = await enrolled(data, where)
        async with asks(where, first, authority) as stub:
            lease = (await stub.AcquireLease(ASKING)).lease
            assert lease.token
        where.process.kill()
        where.process.wait(10)
    with served(data) as where:
        (data / "ticket.toml").unlink()
        second, _ = await enrolled(data, where)
        async with asks(where, second, authority) as stub:
            _, waited = await until_lent(stub, 10)
            assert waited < TIME_TO_LIVE_SECONDS / 3
        async with asks(where, first, authority) as stub:
            # What the first held is worth nothing now, and saying so breaks nothing.
            assert not (await stub.ReleaseLease(ReleaseLeaseRequest(token=lease.token))).contention
