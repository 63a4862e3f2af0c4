"""A collector as a process of its own."""

import json
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
from grpc import aio
from tests.collector.conftest import SITE, Identity, csr_of

from prerequis.v1.enrolment_pb2 import EnrolRequest
from prerequis.v1.enrolment_pb2_grpc import EnrolmentServiceStub
from prerequis_collector import __main__ as commands
from prerequis_collector.config import Address
from prerequis_collector.services.authority import new_key


def run(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Return the ended command, its streams apart."""
    command = [sys.executable, "-m", "prerequis_collector", "--data", str(data), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@dataclass(frozen=True)
class Served:
    """A collector that serves."""

    process: subprocess.Popen[str]
    listen: Address
    enrolment: Address


@contextmanager
def served(data: Path, *options: str, program: Sequence[str] = ("-m", "prerequis_collector")) -> Iterator[Served]:
    """Give a collector that listens; whatever happens, its process ends. `program` is what Python is told to run."""
    noted = data / "listening.json"
    noted.unlink(missing_ok=True)
    listen = ("serve", "--listen", "127.0.0.1:0", *options)
    command = [sys.executable, *program, "--data", str(data), *listen]
    with (data / "log").open("a") as log, subprocess.Popen(command, stderr=log, text=True) as process:
        try:
            ends = time.monotonic() + 120
            while not noted.exists():
                assert process.poll() is None, (data / "log").read_text()
                assert time.monotonic() < ends
                time.sleep(0.05)
            where = json.loads(noted.read_text())
            yield Served(process, *(Address.parse(where[key]) for key in ("listen", "enrolment")))
        finally:
            process.kill()


async def enrolled(data: Path, where: Served) -> tuple[Identity, bytes]:
    """Return an agent and the authority, by a ticket made while the collector serves."""
    path = data / "ticket.toml"
    assert commands.main(["--data", str(data), "ticket", "create", "--site", SITE, "--out", str(path)]) == 0
    ticket = tomllib.loads(path.read_text())
    authority, key = ticket["authority"].encode(), new_key()
    async with aio.secure_channel(str(ticket["enrolment"]), grpc.ssl_channel_credentials(authority)) as calls:
        answer = await EnrolmentServiceStub(calls).Enrol(EnrolRequest(ticket=ticket["secret"], csr=csr_of(key)))
    return Identity(key, tuple(answer.chain), answer.agent_id), authority


def channel(where: Served, agent: Identity, authority: bytes) -> aio.Channel:
    """Return a connection of the agent's own."""
    address = f"localhost:{where.listen.port}"
    return aio.secure_channel(address, grpc.ssl_channel_credentials(authority, *agent.pem()))
