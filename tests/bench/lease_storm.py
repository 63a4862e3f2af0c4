"""How a storm of machines of one site shares the line: all ask at once, each measures once, one at a time.

A collector of its own process, real gRPC with mutual TLS, one connection for each machine. A measurement is played by
holding the lease for a while; a machine that is told to wait comes back when it was told to. Prints how long all took,
how much of the time the line was in use, how long machines waited, how far the order of service was from that in which
the collector noted them, and the collector's processor time. Ends with an error if two ever measured at once or one
never did. Two hundred take some ten minutes.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import textwrap
import time
import tomllib
from dataclasses import asdict, dataclass, field
from pathlib import Path

import grpc
import psutil
from grpc import aio
from sqlmodel import select

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.collector.commands.process import Served, channel, served  # noqa: E402
from tests.collector.conftest import SITE, Identity, csr_of  # noqa: E402

from prerequis.v1.enrolment_pb2 import EnrolRequest  # noqa: E402
from prerequis.v1.enrolment_pb2_grpc import EnrolmentServiceStub  # noqa: E402
from prerequis.v1.line_pb2 import LATENCY  # noqa: E402
from prerequis.v1.measurement_pb2 import AcquireLeaseRequest, ReleaseLeaseRequest  # noqa: E402
from prerequis.v1.measurement_pb2_grpc import MeasurementServiceStub  # noqa: E402
from prerequis_collector import __main__ as program  # noqa: E402
from prerequis_collector.services.authority import new_key  # noqa: E402
from prerequis_collector.store.database import Database  # noqa: E402
from prerequis_collector.store.line_turns import LineTurnRow  # noqa: E402

# The least of bytes, so that two hundred of them stay within a site's budget.
ASKING = AcquireLeaseRequest(method=LATENCY, attended=True)


@dataclass(slots=True)
class Storm:
    """What the machines saw."""

    asked: int = 0
    all_asked: asyncio.Event = field(default_factory=asyncio.Event)
    noted: list[str] = field(default_factory=list)
    """In the order in which the collector noted them."""
    served: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    calls: int = 0
    measuring: int = 0
    overlaps: int = 0


@dataclass(frozen=True, slots=True)
class Figures:
    """What is printed."""

    machines: int
    served: int
    overlaps: int
    seconds: float
    line_in_use: float
    """Share of the time in which some machine measured."""
    calls_per_machine: float
    median_wait: float
    longest_wait: float
    worst_overtaking: int
    """By how many places a machine was served before or after its turn."""
    order_of_service: tuple[int, ...]
    """The places of the machines, in the order in which they measured."""
    cpu_seconds: float


async def machine(where: Served, agent: Identity, authority: bytes, storm: Storm, hold: float, many: int) -> None:
    """Ask until the lease comes, hold it, and give it back."""
    async with channel(where, agent, authority) as calls:
        stub = MeasurementServiceStub(calls)
        began = time.perf_counter()
        first = True
        while True:
            storm.calls += 1
            answer = await stub.AcquireLease(ASKING)
            storm.asked += first
            first = False
            if storm.asked == many:
                storm.all_asked.set()
            if answer.HasField("lease"):
                break
            await asyncio.sleep(answer.retry_after.ToMilliseconds() / 1000)
        storm.waits.append(time.perf_counter() - began)
        storm.served.append(agent.agent_id)
        storm.measuring += 1
        storm.overlaps += storm.measuring > 1
        await asyncio.sleep(hold)
        storm.measuring -= 1
        await stub.ReleaseLease(ReleaseLeaseRequest(token=answer.lease.token))


async def note_order(data: Path, storm: Storm) -> None:
    """Note, once all have asked, in which order: those who measured already, then those who wait."""
    await storm.all_asked.wait()
    database = Database(f"sqlite:///{data / 'collector.sqlite3'}")
    with database.read() as transaction:
        waiting = transaction.exec(select(LineTurnRow)).all()
    database.close()
    queue = [turn.agent_id for turn in sorted(waiting, key=lambda turn: (turn.asked_at, turn.agent_id))]
    storm.noted = storm.served + [agent for agent in queue if agent not in storm.served]


async def enrolled(data: Path, many: int) -> tuple[list[Identity], bytes]:
    """Return so many machines of one site."""
    path = data / "ticket.toml"
    made = ["--data", str(data), "ticket", "create", "--site", SITE, "--uses", str(many), "--out", str(path)]
    if program.main(made) != 0:
        raise SystemExit("no ticket")
    ticket = tomllib.loads(path.read_text())
    authority, key = ticket["authority"].encode(), new_key()
    agents = []
    async with aio.secure_channel(str(ticket["enrolment"]), grpc.ssl_channel_credentials(authority)) as calls:
        stub = EnrolmentServiceStub(calls)
        for _ in range(many):
            answer = await stub.Enrol(EnrolRequest(ticket=ticket["secret"], csr=csr_of(key)))
            agents.append(Identity(key, tuple(answer.chain), answer.agent_id))
    return agents, authority


async def run(many: int, hold: float) -> Figures:
    """Return the figures of one storm."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "collector"
        for arguments in (["init", "--name", "localhost"], ["site", "add", SITE, "--name", "Storm"]):
            if program.main(["--data", str(data), *arguments]) != 0:
                raise SystemExit("no collector")
        with served(data) as where:
            agents, authority = await enrolled(data, many)
            storm, process = Storm(), psutil.Process(where.process.pid)
            spent, began = process.cpu_times(), time.perf_counter()
            machines = [machine(where, agent, authority, storm, hold, many) for agent in agents]
            await asyncio.gather(note_order(data, storm), *machines)
            seconds, ended = time.perf_counter() - began, process.cpu_times()
    places = {agent: place for place, agent in enumerate(storm.noted)}
    order = tuple(places[agent] for agent in storm.served)
    return Figures(
        machines=many,
        served=len(storm.served),
        overlaps=storm.overlaps,
        seconds=round(seconds, 2),
        line_in_use=round(many * hold / seconds, 3),
        calls_per_machine=round(storm.calls / many, 2),
        median_wait=round(statistics.median(storm.waits), 2),
        longest_wait=round(max(storm.waits), 2),
        worst_overtaking=max(abs(place - turn) for turn, place in enumerate(order)),
        order_of_service=order,
        cpu_seconds=round(ended.user + ended.system - spent.user - spent.system, 2),
    )


def main() -> int:
    """Print the figures of a storm; 1 when two machines measured at once or one never did."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--machines", type=int, default=200)
    parser.add_argument("--hold", type=float, default=2.0, metavar="SECONDS", help="how long one measurement lasts")
    options = parser.parse_args()
    figures = asyncio.run(run(options.machines, options.hold))
    for name, figure in asdict(figures).items():
        sys.stdout.write(f"{textwrap.fill(f'{name:>18}  {json.dumps(figure)}', 100, subsequent_indent=' ' * 20)}\n")
    return int(figures.overlaps > 0 or figures.served != figures.machines)


if __name__ == "__main__":
    sys.exit(main())
