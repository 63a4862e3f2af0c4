"""How much of a server's processor time is the collector's own: durable reports beside a server that keeps nothing.

Agents, all at once, hand in reports of real size one after another: to a collector, a process of its own, and to a
gRPC server that answers at once, with the same messages, transport and client, in the same run. Each agent keeps its
mutual-TLS connection for all its calls, or streams its reports over it (`--way streamed`), or makes a new one for each
report (`--way new`). The figure is reports per second of server processor time, of the first to the second: the median
of the rounds.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import psutil
from grpc import aio

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.bench.neighbours import Neighbours, verdict  # noqa: E402
from tests.bench.seen_machines import Machines  # noqa: E402
from tests.collector.commands.process import served  # noqa: E402
from tests.collector.conftest import SITE, Identity, csr_of  # noqa: E402

from prerequis.v1.enrolment_pb2 import EnrolRequest  # noqa: E402
from prerequis.v1.enrolment_pb2_grpc import EnrolmentServiceStub  # noqa: E402
from prerequis.v1.report_pb2 import (  # noqa: E402
    ConfirmRequest,
    ConfirmResponse,
    Receipt,
    SignedReport,
    SubmitManyRequest,
    SubmitManyResponse,
    SubmitRequest,
    SubmitResponse,
)
from prerequis.v1.report_pb2_grpc import (  # noqa: E402
    ReportServiceServicer,
    ReportServiceStub,
    add_ReportServiceServicer_to_server,
)
from prerequis_collector import __main__ as program  # noqa: E402
from prerequis_collector.services.authority import new_key  # noqa: E402

EXPECTED = {"kept": 0.8, "streamed": 0.8, "new": 0.9}
"""The least that the ratio may be, by the way in which reports are handed in."""

Submit = Callable[["ReportServiceStub", Sequence[SignedReport]], AsyncIterator[Receipt]]


@dataclass(frozen=True, slots=True)
class Round:
    """What handing in all the reports of one round took, on one server."""

    reports: int
    seconds: float
    cpu_seconds: float
    memory_bytes: int
    slowest: float
    """Seconds within which 99 answers in 100 came."""

    @property
    def rate(self) -> float:
        """Reports per second of server processor time."""
        return self.reports / self.cpu_seconds


class Nothing(ReportServiceServicer):
    """Answers as a collector does and keeps nothing."""

    async def Submit(self, request: SubmitRequest, context: aio.ServicerContext[Any, Any]) -> SubmitResponse:
        """Return a receipt of the same form and size."""
        return SubmitResponse(receipt=_receipt())

    async def SubmitMany(
        self, request_iterator: AsyncIterator[SubmitManyRequest], context: aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[SubmitManyResponse]:
        """Give a receipt for each report."""
        async for _ in request_iterator:
            yield SubmitManyResponse(receipt=_receipt())

    async def Confirm(self, request: ConfirmRequest, context: aio.ServicerContext[Any, Any]) -> ConfirmResponse:
        """Return a receipt; nobody asks."""
        return ConfirmResponse(receipt=_receipt())


def _receipt() -> Receipt:
    receipt = Receipt(digest=bytes(32), state=Receipt.KEPT)
    receipt.received_at.GetCurrentTime()
    return receipt


async def serve_nothing(data: Path) -> None:
    """Serve with the collector's certificate until killed, and say on stdout on which port."""
    server = aio.server(options=[("grpc.so_reuseport", 0)])
    add_ReportServiceServicer_to_server(Nothing(), server)
    key, certificate, authority = [(data / name).read_bytes() for name in ("server.key", "server.pem", "authority.pem")]
    credentials = grpc.ssl_server_credentials([(key, certificate)], authority, require_client_auth=True)
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    print(port, flush=True)
    await server.wait_for_termination()


@contextmanager
def serving_nothing(data: Path) -> Iterator[tuple[int, int]]:
    """Give the process and the port of a server that keeps nothing."""
    command = [sys.executable, str(Path(__file__)), "--serve-nothing", str(data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.pid, int(process.stdout.readline())
        finally:
            process.kill()


async def enrol(data: Path, agents: int) -> tuple[bytes, list[Identity]]:
    """Return the authority and as many enrolled agents."""
    path = data / "ticket.toml"
    made = program.main(
        ["--data", str(data), "ticket", "create", "--site", SITE, "--uses", str(agents), "--out", str(path)]
    )
    assert made == 0
    ticket = tomllib.loads(path.read_text())
    authority = str(ticket["authority"]).encode()
    async with aio.secure_channel(str(ticket["enrolment"]), grpc.ssl_channel_credentials(authority)) as channel:
        stub = EnrolmentServiceStub(channel)

        async def one() -> Identity:
            key = new_key()
            answer = await stub.Enrol(EnrolRequest(ticket=str(ticket["secret"]), csr=csr_of(key)))
            return Identity(key, tuple(answer.chain), answer.agent_id)

        return authority, await asyncio.gather(*(one() for _ in range(agents)))


class Crowd:
    """The agents of one server, who keep their connections between rounds or make new ones."""

    def __init__(self, pid: int, connect: Callable[[int], aio.Channel], agents: int, way: str) -> None:
        self._process = psutil.Process(pid)
        self._connect = connect
        self._new = way == "new"
        self._submit: Submit = _submit_streamed if way == "streamed" else _submit
        self._kept = [] if self._new else [connect(place) for place in range(agents)]

    async def hand_in(self, reports: Sequence[Sequence[SignedReport]]) -> Round:
        """Hand in each agent's reports, one after another, all agents at once."""
        waits: list[float] = []

        async def over(channel: aio.Channel, mine: Sequence[SignedReport]) -> None:
            asked = time.perf_counter()
            async for receipt in self._submit(ReportServiceStub(channel), mine):
                waits.append(time.perf_counter() - asked)
                assert receipt.state == Receipt.KEPT, receipt
                asked = time.perf_counter()

        async def one(place: int, mine: Sequence[SignedReport]) -> None:
            if not self._new:
                return await over(self._kept[place], mine)
            for report in mine:
                async with self._connect(place) as channel:
                    await over(channel, [report])
            return None

        cpu, started = self._cpu(), time.perf_counter()
        await asyncio.gather(*(one(place, mine) for place, mine in enumerate(reports)))
        seconds, cpu_seconds = time.perf_counter() - started, self._cpu() - cpu
        slowest = sorted(waits)[int(len(waits) * 0.99)]
        return Round(len(waits), seconds, cpu_seconds, self._process.memory_info().rss, slowest)

    async def close(self) -> None:
        """End the kept connections."""
        for channel in self._kept:
            await channel.close()

    def _cpu(self) -> float:
        spent = self._process.cpu_times()
        return spent.user + spent.system


async def _submit(stub: "ReportServiceStub", reports: Sequence[SignedReport]) -> AsyncIterator[Receipt]:
    for report in reports:
        yield (await stub.Submit(SubmitRequest(report=report))).receipt


async def _submit_streamed(stub: "ReportServiceStub", reports: Sequence[SignedReport]) -> AsyncIterator[Receipt]:
    call = stub.SubmitMany()
    for report in reports:
        await call.write(SubmitManyRequest(report=report))
        answer = await call.read()
        assert isinstance(answer, SubmitManyResponse)
        yield answer.receipt
    await call.done_writing()


async def measure(data: Path, agents: int, reports: int, rounds: int, way: str) -> tuple[list[Round], list[Round]]:
    """Return the rounds of the collector and those of the server that keeps nothing, taken in turns."""
    with served(data) as collector, serving_nothing(data) as (pid, port):
        authority, identities = await enrol(data, agents)
        crowds = [
            Crowd(process, connector(f"localhost:{at}", authority, identities), agents, way)
            for process, at in ((collector.process.pid, collector.listen.port), (pid, port))
        ]
        done: tuple[list[Round], list[Round]] = ([], [])
        machines = Machines()
        # The first round connects, and does not count.
        for number in range(rounds + 1):
            made = signed(machines, identities, number, reports if number else 1)
            for crowd, results in zip(crowds, done, strict=True):
                result = await crowd.hand_in(made)
                if number:
                    results.append(result)
        for crowd in crowds:
            await crowd.close()
        return done


def connector(address: str, authority: bytes, identities: Sequence[Identity]) -> Callable[[int], aio.Channel]:
    """Return how the agent of each place connects to the address."""
    credentials = [grpc.ssl_channel_credentials(authority, *identity.pem()) for identity in identities]

    def connect(place: int) -> aio.Channel:
        # Connections, and TLS sessions, are shared between channels of equal options: each agent must have its own.
        own = [("prerequis.agent", f"{identities[place].agent_id} {time.perf_counter_ns()}")]
        return aio.secure_channel(address, credentials[place], options=own)

    return connect


def signed(machines: Machines, identities: Sequence[Identity], number: int, reports: int) -> list[list[SignedReport]]:
    """Return each agent's reports of one round; none is like another."""
    start = datetime.now(UTC) - timedelta(days=30 - number)
    return [
        [identity.sign(machines.report(place, start + timedelta(seconds=at))) for at in range(reports)]
        for place, identity in enumerate(identities)
    ]


def main() -> int:
    """Measure, print, and return 1 when a figure is missed or the machine is too busy for it to be valid."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", type=int, default=100, metavar="N")
    parser.add_argument("--reports", type=int, default=20, metavar="N", help="of each agent in each round")
    parser.add_argument("--rounds", type=int, default=5, choices=range(1, 29), metavar="N")
    parser.add_argument("--way", choices=EXPECTED, default="kept", help="what an agent keeps between its reports")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--serve-nothing", type=Path, metavar="DATA", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve_nothing:
        asyncio.run(serve_nothing(options.serve_nothing))
        return 0
    neighbours = Neighbours()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "collector"
        for arguments in (["init", "--name", "localhost"], ["site", "add", SITE, "--name", "Les Tilleuls"]):
            assert program.main(["--data", str(data), *arguments]) == 0
        ours, nothing = asyncio.run(measure(data, options.agents, options.reports, options.rounds, options.way))
    ratio = statistics.median(one.rate / other.rate for one, other in zip(ours, nothing, strict=True))
    expected = EXPECTED[options.way]
    refusal, missed = neighbours.refusal(), ratio < expected
    if options.json:
        rounds = {"collector": [asdict(one) for one in ours], "nothing": [asdict(one) for one in nothing]}
        print(json.dumps({"invalid": refusal, "ratio": ratio, "expected": expected, "rounds": rounds}))
    else:
        _print(ours, nothing)
        print(f"{verdict(missed, refusal):<8}ratio: {ratio:.2f} (at least {expected})")
        if refusal:
            print(refusal)
    return int(missed or refusal is not None)


def _print(ours: Sequence[Round], nothing: Sequence[Round]) -> None:
    print(f"{'server':<12}{'reports/CPU s':>15}{'CPU ms/report':>15}{'reports/s':>11}{'p99 ms':>9}{'RSS MB':>8}")
    for name, rounds in (("collector", ours), ("nothing", nothing)):
        rate = statistics.median(one.rate for one in rounds)
        speed = statistics.median(one.reports / one.seconds for one in rounds)
        slowest, memory = max(one.slowest for one in rounds) * 1e3, max(one.memory_bytes for one in rounds) / 1e6
        print(f"{name:<12}{rate:>15.0f}{1e3 / rate:>15.2f}{speed:>11.0f}{slowest:>9.0f}{memory:>8.0f}")


if __name__ == "__main__":
    sys.exit(main())
