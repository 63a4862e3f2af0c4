"""Whether anything acknowledged is lost when the collector is killed: kill -9 at random moments of a rush.

Agents hand in reports as fast as they can; the collector is killed at a moment drawn from the seed, within half a
second from the first receipt, started again, and so on. In the end each report that was acknowledged must be there,
once, however busy the machine is. On SQLite and, beside it, on a PostgreSQL that flushes to disk.

Each collector is forked from a process that has imported its modules and done nothing else: importing them takes most
of a start, and nothing of it is on trial.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path

from grpc import aio
from sqlalchemy import text

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.bench.collector_storm import connector, enrol  # noqa: E402
from tests.bench.seen_machines import Machines  # noqa: E402
from tests.collector.commands.process import served  # noqa: E402
from tests.collector.conftest import SITE, Identity  # noqa: E402
from tests.collector.postgresql import new_database, server  # noqa: E402

from prerequis.v1.report_pb2 import Receipt, SubmitRequest  # noqa: E402
from prerequis.v1.report_pb2_grpc import ReportServiceStub  # noqa: E402
from prerequis_collector import __main__ as program  # noqa: E402
from prerequis_collector import config  # noqa: E402
from prerequis_collector.config import Address  # noqa: E402
from prerequis_collector.opening import opened_database  # noqa: E402

EXPECTED = {"lost": 0, "twice": 0}
LONGEST_SECONDS = 0.5
"""Of a rush, from its first receipt, before it is cut off."""
_KINDS = ("sqlite", "postgresql")
_TOLD_EVERY = 25
"""Kills between two signs of life."""
_START_SECONDS = 120
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["__main__", "prerequis_collector.commands.serve"])


def serve(data: str) -> None:
    """Serve as `prerequis-collector serve` does, its log in a file."""
    with (Path(data) / "log").open("a") as log:
        os.dup2(log.fileno(), 2)
        sys.exit(program.main(["--data", data, "serve", "--listen", "127.0.0.1:0"]))


@contextmanager
def forked(data: Path) -> Iterator[tuple[BaseProcess, Address]]:
    """Give a collector that listens, and where; whatever happens, its process ends."""
    noted = data / "listening.json"
    noted.unlink(missing_ok=True)
    process = _FORKS.Process(target=serve, args=(str(data),))
    process.start()
    try:
        ends = time.monotonic() + _START_SECONDS
        while not noted.exists():
            assert process.is_alive(), (data / "log").read_text()
            assert time.monotonic() < ends
            time.sleep(0.02)
        yield process, Address.parse(json.loads(noted.read_text())["listen"])
    finally:
        process.kill()
        process.join()


class Rush:
    """What the agents handed in, and what they were told of it."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)  # noqa: S311 – a draw that can be repeated, not a secret
        self._machines = Machines(seed)
        self.kept: list[bytes] = []
        self._sent = 0
        self._start = datetime.now(UTC) - timedelta(days=600)

    async def until_killed(self, data: Path, identities: Sequence[Identity], authority: bytes) -> None:
        """Start the collector, let all agents hand in, and kill it at a moment of the draw."""
        with forked(data) as (process, where):
            connect = connector(f"localhost:{where.port}", authority, identities)
            begun = asyncio.Event()

            async def one(place: int) -> None:
                async with connect(place) as channel:
                    stub = ReportServiceStub(channel)
                    while True:
                        self._sent += 1
                        at = self._start + timedelta(seconds=self._sent)
                        signed = identities[place].sign(self._machines.report(place, at))
                        try:
                            answer = await stub.Submit(SubmitRequest(report=signed), timeout=10)
                        except aio.AioRpcError:
                            return
                        begun.set()
                        if answer.receipt.state == Receipt.KEPT:
                            self.kept.append(answer.receipt.digest)

            async def kill() -> None:
                await asyncio.wait_for(begun.wait(), 60)
                await asyncio.sleep(self.draw.uniform(0, LONGEST_SECONDS))
                process.kill()

            await asyncio.gather(kill(), *(one(place) for place in range(len(identities))))


async def measure(kind: str, url: str | None, folder: Path, kills: int, seed: int, agents: int) -> dict[str, int]:
    """Return how many reports were acknowledged, how many of them are lost, and how many were counted twice."""
    data = folder / "collector"
    init = ["init", "--name", "localhost", *(["--database", url] if url else [])]
    for arguments in (init, ["site", "add", SITE, "--name", "Les Tilleuls"]):
        assert program.main(["--data", str(data), *arguments]) == 0
    with served(data):
        authority, identities = await enrol(data, agents)
    rush = Rush(seed)
    for number in range(1, kills + 1):
        await rush.until_killed(data, identities, authority)
        if number % _TOLD_EVERY == 0:
            sys.stderr.write(f"{kind}: {number} kills, {len(rush.kept)} reports acknowledged\n")
    with opened_database(config.load(data)) as database, database.read() as transaction:
        found = list(transaction.connection().execute(text("SELECT digest FROM reports")).scalars())
    there = {bytes(digest) for digest in found}
    lost = sum(digest not in there for digest in rush.kept)
    twice = len(found) - len(there) + len(rush.kept) - len(set(rush.kept))
    return {"acknowledged": len(rush.kept), "lost": lost, "twice": twice}


def main() -> int:
    """Measure, print, and return 1 when anything was lost or counted twice, or nothing acknowledged."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200, metavar="N", help="on each database")
    parser.add_argument("--agents", type=int, default=12, metavar="N")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--only", choices=_KINDS)
    options = parser.parse_args()
    if options.only:
        return _try(options.only, options.kills, options.seed, options.agents)
    # Side by side: while one collector starts, the other is in its rush.
    command = [sys.executable, str(Path(__file__)), *sys.argv[1:]]
    running = [subprocess.Popen([*command, "--only", kind]) for kind in _KINDS]
    return max(process.wait() for process in running)


def _try(kind: str, kills: int, seed: int, agents: int) -> int:
    """Measure on one kind of database, print, and return 1 when it failed."""
    with ExitStack() as stack:
        folder, url = Path(stack.enter_context(tempfile.TemporaryDirectory())), None
        if kind == "postgresql":
            url = stack.enter_context(new_database(stack.enter_context(server(durable=True))))
        started = time.monotonic()
        found = asyncio.run(measure(kind, url, folder, kills, seed, agents))
    missed = not found["acknowledged"] or any(found[name] > most for name, most in EXPECTED.items())
    told = f"{kills} kills: " + ", ".join(f"{count} {name}" for name, count in found.items())
    spent, load = time.monotonic() - started, os.getloadavg()[0]
    print(f"{'MISSED' if missed else 'ok':<7}{kind:<11}{told} ({spent:.0f} s, load {load:.1f})")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
