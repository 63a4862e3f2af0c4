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
from tests.collector.conftest import Identity

from prerequis.v1.line_pb2 import CAPACITY
from prerequis.v1.measurement_pb2 import AcquireLeaseRequest, AcquireLeaseResponse, ReleaseLeaseRequest
from prerequis.v1.measurement_pb2_grpc import MeasurementServiceStub

ASKING = AcquireLeaseRequest(method=CAPACITY, attended=True)

# What is freed here was not freed by its own end: that would come after an hour.
LONG_LIVED = (
    "-c",
    "import sys; from prerequis_collector.services import lease; lease.TIME_TO_LIVE_SECONDS = 3600.0; "
    "from prerequis_collector.__main__ import main; sys.exit(main())",
)
PATIENCE_SECONDS = 120


@pytest.fixture
def data(data: Path) -> Path:
    # Nothing outside this machine is asked for anything.
    with (data / "collector.toml").open("a") as file:
        file.write("national_services = false\n")
    return data


@asynccontextmanager
async def asks(where: Served, agent: Identity, authority: bytes) -> AsyncIterator[MeasurementServiceStub]:
    async with channel(where, agent, authority) as calls:
        yield MeasurementServiceStub(calls)


async def lent(stub: MeasurementServiceStub) -> AcquireLeaseResponse:
    """Return the answer that has a lease, or the last one when none came for long."""
    ends = time.monotonic() + PATIENCE_SECONDS
    while not (answer := await stub.AcquireLease(ASKING)).HasField("lease") and time.monotonic() < ends:
        await asyncio.sleep(0.2)
    return answer


async def test_the_lease_of_a_machine_that_is_killed_while_it_measures_is_soon_free(data: Path, tmp_path: Path) -> None:
    with served(data, program=LONG_LIVED) as where:
        waiting, authority = await enrolled(data, where)
        agent = [sys.executable, "-m", "prerequis_agent", "--state", str(tmp_path / "agent")]
        subprocess.run([*agent, "enrol", "--ticket", data / "ticket.toml"], check=True, capture_output=True, timeout=60)
        async with asks(where, waiting, authority) as stub:
            # Paced at one user's rate, it lasts for some seconds.
            quiet = subprocess.DEVNULL
            with subprocess.Popen([*agent, "measure"], stdout=quiet, stderr=quiet) as measuring:
                await _until_moving(data)
                measuring.send_signal(signal.SIGKILL)
            # Its connections ended with it.
            assert (await lent(stub)).HasField("lease")


async def test_the_lease_of_a_machine_that_is_killed_before_it_measures_is_soon_free(data: Path) -> None:
    with served(data, program=LONG_LIVED) as where:
        first, authority = await enrolled(data, where)
        async with asks(where, first, authority) as stub:
            assert (await stub.AcquireLease(ASKING)).HasField("lease")
        (data / "ticket.toml").unlink()
        second, _ = await enrolled(data, where)
        async with asks(where, second, authority) as stub:
            # Its first connection did not come.
            assert (await lent(stub)).HasField("lease")


async def _until_moving(data: Path) -> None:
    """Wait until a machine keeps a connection to the byte port: those that time a round trip close at once."""
    port = int(json.loads((data / "listening.json").read_text())["measure"].rpartition(":")[2])
    ends = time.monotonic() + PATIENCE_SECONDS
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
    with served(data, program=LONG_LIVED) as where:
        first, authority = await enrolled(data, where)
        async with asks(where, first, authority) as stub:
            lease = (await stub.AcquireLease(ASKING)).lease
            assert lease.token
        where.process.kill()
        where.process.wait(60)
    with served(data, program=LONG_LIVED) as where:
        (data / "ticket.toml").unlink()
        second, _ = await enrolled(data, where)
        async with asks(where, second, authority) as stub:
            assert (await lent(stub)).HasField("lease")
        async with asks(where, first, authority) as stub:
            # What the first held is worth nothing now, and saying so breaks nothing.
            assert not (await stub.ReleaseLease(ReleaseLeaseRequest(token=lease.token))).contention
