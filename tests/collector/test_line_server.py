"""The measuring port, over real mutual TLS."""

import asyncio
import contextlib
import json
import socket
import ssl
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some
from tests.collector.conftest import Identity, Installation

from prerequis.v1.measurement_pb2 import AcquireLeaseRequest, Lease, ReleaseLeaseRequest
from prerequis.v1.measurement_pb2_grpc import MeasurementServiceStub
from prerequis_collector import line_server
from prerequis_collector.config import Address
from prerequis_collector.errors import InvalidInput
from prerequis_collector.line_server import LineServer
from prerequis_collector.services.lease import Leases


async def _lease(installation: Installation, agent: Identity) -> Lease:
    async with installation.channel(agent) as channel:
        return (await MeasurementServiceStub(channel).AcquireLease(AcquireLeaseRequest())).lease


def _connect(installation: Installation, identity: Identity | None, folder: Path) -> ssl.SSLSocket:
    context = ssl.create_default_context(cadata=installation.authority.decode())
    if identity is not None:
        (folder / "identity.pem").write_bytes(b"".join(identity.pem()))
        context.load_cert_chain(folder / "identity.pem")
    port = installation.collector.reached_at.measure.port
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port), 60), server_hostname="localhost")


def _drain(connection: ssl.SSLSocket) -> bytes:
    """Return all that comes until the end; a reset ends it too."""
    content = bytearray()
    try:
        while more := connection.recv(1 << 20):
            content += more
    except OSError:
        pass
    return bytes(content)


def _say(installation: Installation, identity: Identity | None, folder: Path, greeting: bytes) -> bytes:
    with _connect(installation, identity, folder) as connection:
        try:
            connection.sendall(greeting)
        except OSError:
            return b""
        return _drain(connection)


def _end_own_half(connection: ssl.SSLSocket) -> None:
    """Send TLS's notice of the end and go on listening; unwrap itself would wait for the other's notice."""
    connection.setblocking(False)
    while True:
        try:
            connection.unwrap()
        except ssl.SSLWantReadError:
            break
        except ssl.SSLWantWriteError:
            time.sleep(0.01)
    connection.settimeout(60)


def _upload(installation: Installation, identity: Identity, folder: Path, token: bytes, size: int) -> bytes:
    with _connect(installation, identity, folder) as connection:
        try:
            connection.sendall(b"PREREQUIS/1 " + token.hex().encode() + b" up\n")
            connection.sendall(bytes(size))
            _end_own_half(connection)
            return _drain(connection)
        except OSError:
            return b""


async def test_a_lease_lets_exactly_its_bytes_come_down_once(
    installation: Installation, agent: Identity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_server, "SECONDS", 60.0)
    lease = await _lease(installation, agent)
    greeting = b"PREREQUIS/1 " + lease.token.hex().encode() + b" down\n"
    content = await asyncio.to_thread(_say, installation, agent, tmp_path, greeting)
    assert len(content) == lease.bytes_per_direction
    assert await asyncio.to_thread(_say, installation, agent, tmp_path, greeting) == b""


async def test_a_download_ends_with_its_time(
    installation: Installation, agent: Identity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_server, "SECONDS", 0.0)
    lease = await _lease(installation, agent)
    greeting = b"PREREQUIS/1 " + lease.token.hex().encode() + b" down\n"
    assert await asyncio.to_thread(_say, installation, agent, tmp_path, greeting) == b""


async def test_an_upload_is_counted_by_who_receives_it(
    installation: Installation, agent: Identity, tmp_path: Path
) -> None:
    lease = await _lease(installation, agent)
    answer = await asyncio.to_thread(_upload, installation, agent, tmp_path, lease.token, 3_000_001)
    counted = json.loads(answer)
    assert answer.endswith(b"\n")
    # One TLS record at most starts the clock.
    assert 3_000_001 - 16_384 <= counted["bytes"] < 3_000_001
    assert 0 < counted["seconds"] < 60


async def test_an_upload_larger_than_the_lease_is_cut_off_without_an_answer(
    installation: Installation, agent: Identity, tmp_path: Path
) -> None:
    lease = await _lease(installation, agent)
    size = lease.bytes_per_direction + 1_000_000
    assert await asyncio.to_thread(_upload, installation, agent, tmp_path, lease.token, size) == b""


@pytest.mark.parametrize(
    "greeting",
    [
        b"PREREQUIS/1 00 down\n",
        b"PREREQUIS/1 zz down\n",
        b"PREREQUIS/1 00 sideways\n",
        b"PREREQUIS/2 00 down\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\n",
        b"x" * 4096,
    ],
)
async def test_anything_else_is_closed_at_once(
    installation: Installation, agent: Identity, tmp_path: Path, greeting: bytes
) -> None:
    assert await asyncio.to_thread(_say, installation, agent, tmp_path, greeting) == b""


async def test_a_lease_given_back_or_of_another_machine_moves_nothing(
    installation: Installation, agent: Identity, tmp_path: Path
) -> None:
    other = await installation.enrol(installation.ticket(name="other"))
    lease = await _lease(installation, agent)
    greeting = b"PREREQUIS/1 " + lease.token.hex().encode() + b" down\n"
    assert await asyncio.to_thread(_say, installation, other, tmp_path, greeting) == b""
    async with installation.channel(agent) as channel:
        await MeasurementServiceStub(channel).ReleaseLease(ReleaseLeaseRequest(token=lease.token))
    assert await asyncio.to_thread(_say, installation, agent, tmp_path, greeting) == b""


async def test_nobody_measures_without_an_agents_certificate(installation: Installation, tmp_path: Path) -> None:
    # With TLS 1.3 the client learns of the refusal when it reads.
    greeting = b"PREREQUIS/1 00 down\n"
    assert await asyncio.to_thread(_say, installation, None, tmp_path, greeting) == b""
    operator = installation.operator("dsi")
    assert await asyncio.to_thread(_say, installation, operator, tmp_path, greeting) == b""


async def test_a_second_machine_is_told_when_to_come_back(installation: Installation, agent: Identity) -> None:
    other = await installation.enrol(installation.ticket(name="other"))
    await _lease(installation, agent)
    async with installation.channel(other) as channel:
        answer = await MeasurementServiceStub(channel).AcquireLease(AcquireLeaseRequest())
    assert not answer.HasField("lease")
    assert 0 < answer.retry_after.seconds <= 30


async def test_a_download_is_never_faster_than_asked(
    installation: Installation, agent: Identity, tmp_path: Path
) -> None:
    lease = await _lease(installation, agent)

    def seconds_for(size: int) -> float:
        with _connect(installation, agent, tmp_path) as connection:
            connection.settimeout(60)
            connection.sendall(b"PREREQUIS/1 " + lease.token.hex().encode() + b" down rate=8000000\n")
            moved = len(connection.recv(1))
            started = time.perf_counter()
            while moved < size and (more := len(connection.recv(1 << 16))):
                moved += more
            assert moved >= size
            return time.perf_counter() - started

    # A busy machine may take longer.
    assert await asyncio.to_thread(seconds_for, 1_000_000) > 0.8


async def test_an_upload_is_told_what_arrives_while_it_arrives(
    installation: Installation, agent: Identity, tmp_path: Path
) -> None:
    lease = await _lease(installation, agent)

    def told() -> tuple[int, list[dict[str, float]]]:
        with _connect(installation, agent, tmp_path) as connection:
            connection.sendall(b"PREREQUIS/1 " + lease.token.hex().encode() + b" up counts=1\n")
            sent, heard, ends = 0, bytearray(), time.monotonic() + 60
            while heard.count(b"\n") < 3 and time.monotonic() < ends:
                connection.settimeout(60)
                connection.sendall(bytes(1_000))
                sent += 1_000
                connection.settimeout(0.02)
                with contextlib.suppress(TimeoutError):
                    heard += connection.recv(1 << 16)
            return sent, [json.loads(line) for line in heard[: heard.rfind(b"\n") + 1].splitlines()]

    sent, counts = await asyncio.to_thread(told)
    assert len(counts) >= 3
    assert counts == sorted(counts, key=lambda count: (count["at"], count["bytes"]))
    assert 0 < counts[0]["bytes"] < counts[-1]["bytes"] <= sent
    assert counts[0]["at"] < counts[-1]["at"]


async def test_an_upload_whose_lease_ends_is_told_so(
    installation: Installation, agent: Identity, tmp_path: Path
) -> None:
    lease = await _lease(installation, agent)

    def told() -> list[dict[str, str]]:
        with _connect(installation, agent, tmp_path) as connection:
            connection.sendall(b"PREREQUIS/1 " + lease.token.hex().encode() + b" up counts=1\n" + bytes(10_000))
            connection.recv(1 << 16)
            installation.collector.leases.release(agent.agent_id, lease.token)
            connection.sendall(bytes(10_000))
            return [json.loads(line) for line in _drain(connection).splitlines()]

    assert (await asyncio.to_thread(told))[-1] == {"problem": "Ce droit de mesurer a pris fin."}


@given(some.binary(max_size=300) | some.text(max_size=80).map(lambda text: f"PREREQUIS/1 00 down {text}\n".encode()))
def test_a_greeting_is_understood_or_refused(line: bytes) -> None:
    try:
        greeting = line_server.parse_greeting(line)
    except InvalidInput:
        return
    assert greeting.direction in ("down", "up")
    assert greeting.bits_per_second is None or greeting.bits_per_second > 0


def test_keys_of_a_later_version_are_passed_over() -> None:
    greeting = line_server.parse_greeting(b"PREREQUIS/1 00ff up counts=1 colour=blue\n")
    assert (greeting.token, greeting.counts, greeting.bits_per_second) == (b"\x00\xff", True, None)
    assert line_server.parse_greeting(b"PREREQUIS/1 00ff up\n").seconds < greeting.seconds


def test_every_address_means_those_of_ipv4_too() -> None:
    server = LineServer(Address("::", 0), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), Leases())
    try:
        for address in ("127.0.0.1", "::1"):
            with socket.create_connection((address, server.address.port), 5) as connection:
                assert connection.getpeername()[1] == server.address.port
    finally:
        server.close()
