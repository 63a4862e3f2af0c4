"""A park that comes back after an outage: every machine, within ten minutes, each by a new connection with one report.

The machines are simulated, their certificates and signatures real, and made before the clock starts: who sends shares
the two cores of who receives, and only what is received is the collector's. The window is as long as the number of
machines makes it, so that they come at the same rate in a short run as in the whole, `--agents 320000 --sites 40000`:
within 600 s, after minutes of preparation that take 1.5 GB of disk. A refused machine comes back after a drawn delay,
as agents do. In the end each report must be there, once.

`minutes` is the processor time of the collector alone, for 320,000 machines on its own two cores.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from array import array
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import grpc
import psutil
from grpc import aio
from sqlalchemy import text

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.bench.neighbours import Neighbours, verdict  # noqa: E402
from tests.bench.seen_machines import Machines  # noqa: E402
from tests.collector.commands.process import Served, served  # noqa: E402
from tests.collector.conftest import Identity  # noqa: E402

from prerequis.v1.report_pb2 import Receipt, SubmitRequest, SubmitResponse  # noqa: E402
from prerequis_collector import __main__ as program  # noqa: E402
from prerequis_collector import config  # noqa: E402
from prerequis_collector.opening import load_authority, opened_database  # noqa: E402
from prerequis_collector.services.authority import chain_der, key_pem, new_key  # noqa: E402
from prerequis_collector.store.agents import AgentRow  # noqa: E402
from prerequis_collector.store.sites import SiteRow  # noqa: E402

WHOLE = 320_000
WINDOW = 600 / WHOLE
"""Seconds of the window for each machine."""
CORES = 2
AT_ONCE = 256
"""Machines for which the one process that plays them speaks at a time: with more its own handshakes come late."""
EXPECTED = {"lost": 0, "twice": 0, "memory_megabytes": 512, "drained": 1.2, "minutes": 12}
"""The most that each may be; `drained` is the time until the last receipt, in windows."""
_TIMED = {"drained", "minutes"}
"""What others do to the machine changes these only."""
_TAKEN = 0.9
"""Of one core: when the process that plays the machines takes more, it is what they wait for."""


class Prepared:
    """What each machine will show and send, on the disk: its chain, PEM, and its serialised request."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._ends = array("Q", [0])

    def add(self, chain: bytes, request: bytes) -> None:
        for part in (chain, request):
            self._file.write(part)
            self._ends.append(self._ends[-1] + len(part))

    def of(self, number: int) -> tuple[bytes, bytes]:
        start, middle, end = self._ends[2 * number : 2 * number + 3]
        self._file.seek(start)
        return self._file.read(middle - start), self._file.read(end - middle)


class Park:
    """The machines, as their coming back is told."""

    def __init__(self, data: Path, agents: int, sites: int, seed: int, file: BinaryIO) -> None:
        self.draw = random.Random(seed)  # noqa: S311 – a draw that can be repeated, not a secret
        self.agents, self.window = agents, agents * WINDOW
        self.authority = load_authority(config.load(data))
        # One key for all: what is measured is not how keys are made, and each has a certificate of its own.
        self.key = new_key()
        self.refused = self.memory = 0
        now = datetime.now(UTC)
        with opened_database(config.load(data)) as database, database.write() as transaction:
            transaction.add_all(SiteRow(finess=f"{number:09}", name="Site") for number in range(sites))
            transaction.flush()
            transaction.add_all(
                AgentRow(id=f"{number:032x}", finess=f"{number % sites:09}", fingerprint=b"", enrolled_at=now)
                for number in range(agents)
            )
            transaction.flush()
        self.prepared, machines = Prepared(file), Machines(seed)
        for number in range(agents):
            certificate = self.authority.issue_agent(self.key.public_key(), f"{number:032x}", now)
            machine = Identity(self.key, tuple(chain_der(certificate, self.authority)), f"{number:032x}")
            signed = machine.sign(machines.report(number, now - timedelta(hours=1)))
            self.prepared.add(machine.pem()[1], SubmitRequest(report=signed).SerializeToString())

    async def come_back(self, where: Served) -> tuple[float, float]:
        """Return the seconds until the last machine had its receipt, and the processor seconds of the collector."""
        moments = sorted((self.draw.uniform(0, self.window), number) for number in range(self.agents))
        process = psutil.Process(where.process.pid)
        watching = asyncio.create_task(self._watch(process))
        spent, started, free = _processor_seconds(process), time.monotonic(), asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for moment, number in moments:
                await asyncio.sleep(max(0.0, started + moment - time.monotonic()))
                group.create_task(self._hand_in(where, number, free))
        watching.cancel()
        return time.monotonic() - started, _processor_seconds(process) - spent

    async def _hand_in(self, where: Served, number: int, free: asyncio.Semaphore) -> None:
        while True:
            async with free:
                state = await self._submit(where, number)
            if state is not None:
                # One whose first answer was lost on the way hears that the report is kept already.
                assert state in (Receipt.KEPT, Receipt.ALREADY_KEPT), state
                return
            self.refused += 1
            await asyncio.sleep(self.draw.uniform(0, 10))

    async def _submit(self, where: Served, number: int) -> "Receipt.State.ValueType | None":
        """Return what became of the machine's report; None when it was sent away."""
        chain, request = self.prepared.of(number)
        credentials = grpc.ssl_channel_credentials(self.authority.certificate_pem(), key_pem(self.key), chain)
        own = [("prerequis.agent", f"{number} {time.perf_counter_ns()}")]
        async with aio.secure_channel(f"localhost:{where.listen.port}", credentials, options=own) as channel:
            submit: aio.UnaryUnaryMultiCallable[bytes, SubmitResponse] = channel.unary_unary(
                "/prerequis.v1.ReportService/Submit", None, SubmitResponse.FromString
            )
            try:
                return (await submit(request, timeout=60)).receipt.state
            except aio.AioRpcError:
                return None

    async def _watch(self, process: psutil.Process) -> None:
        while True:
            self.memory = max(self.memory, process.memory_info().rss)
            await asyncio.sleep(0.2)


def _processor_seconds(process: psutil.Process) -> float:
    spent = process.cpu_times()
    return float(spent.user + spent.system)


def main() -> int:
    """Measure, print, and return 1 when a figure is missed or the machine is too busy for it to be valid."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", type=int, default=20_000, metavar="N")
    parser.add_argument("--sites", type=int, default=2500, metavar="N")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    neighbours = Neighbours()
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "prepared").open("w+b") as file:
        data = Path(folder) / "collector"
        assert program.main(["--data", str(data), "init", "--name", "localhost"]) == 0
        park = Park(data, options.agents, options.sites, options.seed, file)
        with served(data) as where:
            playing = time.process_time()
            seconds, spent = asyncio.run(park.come_back(where))
            played = (time.process_time() - playing) / seconds
        with opened_database(config.load(data)) as database, database.read() as transaction:
            counted = text("SELECT count(*), count(DISTINCT agent_id) FROM reports")
            rows, machines = transaction.connection().execute(counted).one()
    figures = {
        "lost": options.agents - machines,
        "twice": rows - machines,
        "memory_megabytes": park.memory / 1e6,
        "drained": seconds / park.window,
        "minutes": spent / options.agents * WHOLE / CORES / 60,
    }
    missed, refusal = False, neighbours.refusal()
    waited = f"who plays the machines took {played:.0%} of its core: they waited for it" if played > _TAKEN else None
    print(f"{options.agents} machines within {park.window:.0f} s, {park.refused} refused and back later")
    print(
        f"{1e3 * spent / options.agents:.2f} ms of processor for each; all within {seconds:.0f} s, who sends included"
    )
    for name, figure in figures.items():
        over = figure > EXPECTED[name]
        invalid = refusal if name in _TIMED else None
        if name == "drained":
            invalid = invalid or waited
        missed |= over and invalid is None
        print(f"{verdict(over, invalid):<8}{name}: {figure:.3g} (at most {EXPECTED[name]})")
    for reason in filter(None, (refusal, waited)):
        print(reason)
    return int(missed or refusal is not None)


if __name__ == "__main__":
    sys.exit(main())
