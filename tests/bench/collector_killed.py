"""Whether anything acknowledged is lost when the collector is killed: kill -9 at random moments of a rush.

Agents hand in reports as fast as they can; the collector is killed at a moment drawn from the seed, started again, and
so on. In the end each report that was acknowledged must be there, once, however busy the machine is. On SQLite and on a
PostgreSQL that flushes to disk.
"""

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
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
from prerequis_collector.opening import opened_database  # noqa: E402

EXPECTED = {"lost": 0, "twice": 0}
LONGEST_SECONDS = 1.0
"""Of a rush, before it is cut off."""


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
        with served(data) as where:
            connect = connector(f"localhost:{where.listen.port}", authority, identities)

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
                        if answer.receipt.state == Receipt.KEPT:
                            self.kept.append(answer.receipt.digest)

            async def kill() -> None:
                await asyncio.sleep(self.draw.uniform(0.01, LONGEST_SECONDS))
                where.process.kill()

            await asyncio.gather(kill(), *(one(place) for place in range(len(identities))))


async def measure(url: str | None, folder: Path, kills: int, seed: int, agents: int) -> dict[str, int]:
    """Return how many reports were acknowledged, how many of them are lost, and how many were counted twice."""
    data = folder / "collector"
    init = ["init", "--name", "localhost", *(["--database", url] if url else [])]
    for arguments in (init, ["site", "add", SITE, "--name", "Les Tilleuls"]):
        assert program.main(["--data", str(data), *arguments]) == 0
    with served(data):
        authority, identities = await enrol(data, agents)
    rush = Rush(seed)
    for number in range(kills):
        await rush.until_killed(data, identities, authority)
        sys.stderr.write(f"\r{number + 1} kills, {len(rush.kept)} reports acknowledged")
    sys.stderr.write("\n")
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
    parser.add_argument("--only", choices=("sqlite", "postgresql"))
    options = parser.parse_args()
    failed = False
    with ExitStack() as stack:
        for kind in ("sqlite", "postgresql"):
            if options.only not in (None, kind):
                continue
            url = (
                stack.enter_context(new_database(stack.enter_context(server(durable=True))))
                if kind != "sqlite"
                else None
            )
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            started = time.monotonic()
            found = asyncio.run(measure(url, folder, options.kills, options.seed, options.agents))
            missed = not found["acknowledged"] or any(found[name] > most for name, most in EXPECTED.items())
            failed |= missed
            spent, load = time.monotonic() - started, os.getloadavg()[0]
            told = f"{options.kills} kills: " + ", ".join(f"{count} {name}" for name, count in found.items())
            print(f"{'MISSED' if missed else 'ok':<7}{kind:<11}{told} ({spent:.0f} s, load {load:.1f})")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
