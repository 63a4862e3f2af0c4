"""What is let in at once, over real TLS, and what those hear who are not."""

import asyncio
import contextlib
import socket
import tomllib
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

import grpc
import pytest
from grpc import aio
from hypothesis import given
from hypothesis import strategies as st
from tests.collector.conftest import ANYWHERE, SITE, Identity, Installation, csr_of, refusal, report_of

from prerequis.trailers import PUSHBACK
from prerequis.v1.enrolment_pb2 import EnrolRequest
from prerequis.v1.enrolment_pb2_grpc import EnrolmentServiceStub
from prerequis.v1.report_pb2 import Receipt, SubmitManyRequest, SubmitManyResponse, SubmitRequest
from prerequis.v1.report_pb2_grpc import ReportServiceStub
from prerequis_collector.api import server
from prerequis_collector.api.access import OPEN, ROLES
from prerequis_collector.api.admission import ENROLMENT, MAIN, Admission, Limits, Pace, source
from prerequis_collector.config import Address
from prerequis_collector.errors import Overloaded
from prerequis_collector.server_identity import ServerIdentity
from prerequis_collector.services.authority import new_key


@asynccontextmanager
async def listening(
    installation: Installation, main: Limits = MAIN, enrolment: Limits = ENROLMENT, pace: Pace | None = None
) -> AsyncIterator[tuple[Address, Address]]:
    """Give the two ports of the same collector under other limits."""
    servers = server.build(installation.collector, main, enrolment, pace)
    identity = ServerIdentity(installation.data / "server.pem", installation.data / "server.key")
    ports = (
        server.listen(servers.main, ANYWHERE, identity, installation.authority),
        server.listen(servers.enrolment, ANYWHERE, identity, None),
    )
    await servers.start()
    try:
        yield Address("localhost", ports[0].port), Address("localhost", ports[1].port)
    finally:
        await servers.stop(0)


async def _pushback(call: "aio.Call") -> int:
    """Return the milliseconds after which an overloaded collector wants to be asked again."""
    assert await call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    return int(str(dict(await call.trailing_metadata() or ())[PUSHBACK]))


async def test_one_machine_that_opens_too_many_calls_is_sent_away_and_the_others_are_heard(
    installation: Installation, agent: Identity
) -> None:
    other = await installation.enrol(installation.ticket(name="other"))
    async with (
        listening(installation, Limits(calls_of_one=2)) as (where, _),
        installation.channel(agent, where=where) as greedy,
        installation.channel(other, where=where) as calm,
    ):
        held = [ReportServiceStub(greedy).SubmitMany() for _ in range(2)]
        for number, call in enumerate(held):
            await call.write(SubmitManyRequest(report=agent.sign(report_of(f"PC-{number}"))))
            assert isinstance(await call.read(), SubmitManyResponse)
        third = ReportServiceStub(greedy).SubmitMany()
        assert 5000 <= await _pushback(third) <= 10_000
        answer = await ReportServiceStub(calm).Submit(SubmitRequest(report=other.sign(report_of())))
        assert answer.receipt.state == Receipt.KEPT
        await held[0].done_writing()
        assert await held[0].read() is aio.EOF
        answer = await ReportServiceStub(greedy).Submit(SubmitRequest(report=agent.sign(report_of("PC-3"))))
        assert answer.receipt.state == Receipt.KEPT


async def test_a_message_that_does_not_come_in_time_ends_its_call_and_frees_its_place(
    installation: Installation, agent: Identity
) -> None:
    async with (
        listening(installation, Limits(receiving=1, receive_seconds=0.3)) as (where, _),
        installation.channel(agent, where=where) as channel,
    ):
        silent = ReportServiceStub(channel).SubmitMany()
        assert await _pushback(silent) > 0
        answer = await ReportServiceStub(channel).Submit(SubmitRequest(report=agent.sign(report_of())))
    assert answer.receipt.state == Receipt.KEPT


async def test_a_connection_that_says_nothing_is_closed(installation: Installation) -> None:
    limits = Limits(handshake_seconds=0.5)
    async with listening(installation, limits, limits) as ports:
        for port in ports:
            reader, writer = await asyncio.open_connection("127.0.0.1", port.port, family=socket.AF_INET)
            assert await asyncio.wait_for(reader.read(), 10) == b""
            writer.close()


async def test_one_connection_too_many_is_closed_and_there_is_room_again_when_another_ends(
    installation: Installation,
) -> None:
    async with listening(installation, enrolment=Limits(connections=2)) as (_, where):
        opened = [await asyncio.open_connection("127.0.0.1", where.port) for _ in range(3)]
        reader, _ = opened[2]
        with contextlib.suppress(ConnectionResetError):
            assert await asyncio.wait_for(reader.read(), 5) == b""
        for _, writer in opened:
            writer.close()
        request = EnrolRequest(ticket=installation.ticket(), csr=csr_of(new_key()))
        async with installation.channel(None, where=where) as channel:
            answer = await EnrolmentServiceStub(channel).Enrol(request, wait_for_ready=True, timeout=60)
    assert answer.agent_id


async def test_compressed_messages_are_refused_before_they_are_opened(
    installation: Installation, agent: Identity
) -> None:
    async with installation.channel(agent) as channel:
        stub = ReportServiceStub(channel)
        bomb = SubmitRequest(report=agent.sign(bytes(1024 * 1024)))
        code, _ = await refusal(stub.Submit(bomb, compression=grpc.Compression.Gzip))
        assert code is grpc.StatusCode.UNIMPLEMENTED
        assert (await stub.Submit(SubmitRequest(report=agent.sign(report_of())))).receipt.state == Receipt.KEPT


def _raw(channel: aio.Channel, method: str, message: bytes) -> Awaitable[bytes]:
    call: aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)
    return call(message)


@pytest.mark.parametrize("message", [b"\xff\xff\xff", b"\x0a\x7f", b"\x0a\xff\xff\xff\xff\x0f"])
async def test_a_malformed_or_truncated_message_is_the_callers_fault_whatever_the_method(
    installation: Installation, agent: Identity, message: bytes
) -> None:
    async with installation.channel(agent) as channel:
        codes = {
            (await refusal(_raw(channel, method, message)))[0]
            for method in OPEN | ROLES.keys()
            if not method.endswith("SubmitMany")
        }
        assert codes == {grpc.StatusCode.INVALID_ARGUMENT}
        sent: aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(
            "/prerequis.v1.ReportService/SubmitMany"
        )
        stream = sent(iter([message]))
        assert await stream.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_nobody_sends_much_without_a_certificate(installation: Installation) -> None:
    async with installation.channel(None, where=installation.collector.reached_at.enrolment) as channel:
        large = EnrolRequest(ticket="x", csr=bytes(ENROLMENT.largest_message))
        code, _ = await refusal(EnrolmentServiceStub(channel).Enrol(large))
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_enrolments_that_come_too_fast_are_told_when_to_come_back_and_spend_nothing(
    installation: Installation,
) -> None:
    path = installation.data / "one.toml"
    assert installation.run("ticket", "create", "--site", SITE, "--uses", "2", "--out", str(path)) == 0
    secret = str(tomllib.loads(path.read_text())["secret"])
    request = EnrolRequest(ticket=secret, csr=csr_of(new_key()))
    async with (
        listening(installation, pace=Pace(of_one_per_second=0.01, of_one_burst=1)) as (_, where),
        installation.channel(None, where=where) as channel,
    ):
        stub = EnrolmentServiceStub(channel)
        assert (await stub.Enrol(request)).agent_id
        for _ in range(3):
            assert 90_000 < await _pushback(stub.Enrol(request)) <= 200_000
    assert (await installation.enrol(secret)).agent_id


@given(st.lists(st.tuples(st.floats(0, 3), st.sampled_from("abc")), max_size=200))
def test_however_they_come_no_more_pass_than_the_pace_lets(arrivals: list[tuple[float, str]]) -> None:
    now = 0.0
    pace = Pace(per_second=2, burst=5, of_one_per_second=1, of_one_burst=3, clock=lambda: now)
    passed: list[str] = []
    for after, who in arrivals:
        now += after
        try:
            pace.take(who)
        except Overloaded as error:
            assert 0 < error.after_seconds <= 1
        else:
            passed.append(who)
    assert len(passed) <= 5 + 2 * now + 1e-6
    assert all(passed.count(who) <= 3 + now + 1e-6 for who in "abc")


async def test_what_messages_hold_is_bounded_and_given_back() -> None:
    admission = Admission(Limits(held_bytes=100))

    async def read() -> bytes:
        return bytes(60)

    with admission.call("a") as first:
        assert await first.receive(read) == bytes(60)
        with admission.call("b") as second, pytest.raises(Overloaded):
            await second.receive(read)
        assert await first.receive(read) == bytes(60)
    assert (admission.held, admission.calls) == (0, 0)


async def test_only_so_many_messages_come_in_at_the_same_time() -> None:
    admission, coming, most = Admission(Limits(receiving=3)), 0, 0

    async def read() -> bytes:
        nonlocal coming, most
        coming += 1
        most = max(most, coming)
        await asyncio.sleep(0)
        coming -= 1
        return b"x"

    async def call(who: str) -> None:
        with admission.call(who) as admitted:
            assert await admitted.receive(read) == b"x"

    await asyncio.gather(*(call(str(number)) for number in range(20)))
    assert most == 3


@pytest.mark.parametrize(
    ("peer", "network"),
    [
        ("ipv4:192.0.2.7:50000", "192.0.2.7"),
        ("ipv6:%5B2001:db8:1:2:3:4:5:6%5D:50000", "2001:db8:1:2::/64"),
        ("ipv6:[2001:db8:1:2:ffff::1]:50000", "2001:db8:1:2::/64"),
        ("ipv6:%5B::ffff:192.0.2.7%5D:50000", "192.0.2.7"),
        ("ipv6:%5Bfe80::1%25eth0%5D:50000", "fe80::/64"),
    ],
)
def test_a_source_is_an_address_or_the_network_of_one(peer: str, network: str) -> None:
    assert source(peer) == network
