"""Handing in reports over real mutual TLS."""

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from tests.collector.conftest import SITE, Identity, Installation, refusal, report_of

from prerequis.v1.report_pb2 import (
    ConfirmRequest,
    Receipt,
    Report,
    SignedReport,
    SubmitManyRequest,
    SubmitManyResponse,
    SubmitRequest,
    Workstation,
)
from prerequis.v1.report_pb2_grpc import ReportServiceStub
from prerequis_collector.api.server import LARGEST_MESSAGE_BYTES
from prerequis_collector.services.authority import Authority, chain_der, new_key
from prerequis_collector.store.agents import Agents
from prerequis_collector.store.reports import Reports


async def _submit(installation: Installation, bearer: Identity, signed: SignedReport) -> Receipt:
    async with installation.channel(bearer) as channel:
        return (await ReportServiceStub(channel).Submit(SubmitRequest(report=signed))).receipt


async def test_a_report_is_kept_to_the_byte_and_a_repeat_is_acknowledged(
    installation: Installation, agent: Identity
) -> None:
    signed = agent.sign(report_of())
    first, again = [await _submit(installation, agent, signed) for _ in range(2)]
    assert first.state == Receipt.KEPT
    assert first.digest == hashlib.sha256(signed.report).digest()
    assert again.state == Receipt.ALREADY_KEPT
    with installation.collector.database.read() as transaction:
        kept = Reports(transaction).newest_of_site(SITE)
        assert [row.body for row in kept] == [signed.report]
        assert [row.signature for row in kept] == [signed.signature]
        seen = Agents(transaction).find(agent.agent_id)
    assert seen is not None
    assert seen.last_seen is not None


async def test_a_stream_answers_each_report_before_the_next_is_sent(
    installation: Installation, agent: Identity
) -> None:
    async with installation.channel(agent) as channel:
        call = ReportServiceStub(channel).SubmitMany()
        states = []
        for number in (1, 2, 1):
            await call.write(
                SubmitManyRequest(report=agent.sign(report_of(f"PC-{number}", at=datetime(2026, 1, 1, tzinfo=UTC))))
            )
            answer = await asyncio.wait_for(call.read(), 5)
            assert isinstance(answer, SubmitManyResponse)
            states.append(answer.receipt.state)
        await call.done_writing()
    assert states == [Receipt.KEPT, Receipt.KEPT, Receipt.ALREADY_KEPT]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ("altered body", "signature"),
        ("signature of another key", "signature"),
        ("garbage certificate", "certificat"),
        ("certificate of another authority", "certificat"),
        ("operator's certificate", "certificat"),
        ("not a report", "illisible"),
        ("no date", "quand"),
        ("a date to come", "horloge"),
        ("a date long past", "deux ans"),
    ],
)
async def test_a_bad_report_is_refused_with_its_reason(
    installation: Installation, agent: Identity, damage: str, reason: str
) -> None:
    now = datetime.now(UTC)
    signed = agent.sign(report_of())
    if damage == "altered body":
        signed.report += b"\x0a\x00"
    elif damage == "signature of another key":
        signed.signature = Identity(new_key(), agent.chain).sign(signed.report).signature
    elif damage == "garbage certificate":
        signed.certificate = b"garbage"
    elif damage == "certificate of another authority":
        other = Authority.create(now)
        leaf = other.issue_agent(agent.key.public_key(), agent.agent_id, now)
        signed.certificate = chain_der(leaf, other)[0]
    elif damage == "operator's certificate":
        signed = installation.operator("dsi").sign(report_of())
    elif damage == "not a report":
        signed = agent.sign(b"\xff\xff\xff")
    elif damage == "no date":
        signed = agent.sign(Report(workstation=Workstation(hostname="x")))
    else:
        signed = agent.sign(
            report_of(at=now + timedelta(hours=1) if damage == "a date to come" else now - timedelta(days=800))
        )
    receipt = await _submit(installation, agent, signed)
    assert receipt.state == Receipt.REFUSED
    assert reason in receipt.reason
    # Of two clocks that differ nobody here knows which is wrong: both are told.
    assert ("l'horloge du collecteur dit" in receipt.reason) is damage.startswith("a date")
    with installation.collector.database.read() as transaction:
        assert Reports(transaction).newest_of_site(SITE) == []


async def test_one_agent_may_bring_the_report_of_another_but_not_of_a_revoked_one(installation: Installation) -> None:
    secret = installation.ticket()
    bearer, absent, revoked = [await installation.enrol(secret) for _ in range(3)]
    with installation.collector.database.write() as transaction:
        Agents(transaction).revoke(revoked.agent_id)
    assert (await _submit(installation, bearer, absent.sign(report_of()))).state == Receipt.KEPT
    refused = await _submit(installation, bearer, revoked.sign(report_of()))
    assert refused.state == Receipt.REFUSED
    assert "enrôlé" in refused.reason


async def test_a_message_too_large_is_refused_and_the_next_is_answered(
    installation: Installation, agent: Identity
) -> None:
    async with installation.channel(agent) as channel:
        stub = ReportServiceStub(channel)
        huge = SignedReport(report=bytes(LARGEST_MESSAGE_BYTES + 1))
        code, _ = await refusal(stub.Submit(SubmitRequest(report=huge)))
        assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
        large = agent.sign(bytes(LARGEST_MESSAGE_BYTES // 2 + 1))
        assert "gros" in (await stub.Submit(SubmitRequest(report=large))).receipt.reason
        assert (await stub.Submit(SubmitRequest(report=agent.sign(report_of())))).receipt.state == Receipt.KEPT


async def test_many_agents_at_once_are_all_kept(installation: Installation) -> None:
    secret = installation.ticket()
    agents = await asyncio.gather(*(installation.enrol(secret) for _ in range(12)))
    receipts = await asyncio.gather(*(_submit(installation, one, one.sign(report_of())) for one in agents))
    assert {receipt.state for receipt in receipts} == {Receipt.KEPT}
    with installation.collector.database.read() as transaction:
        assert len(Reports(transaction).newest_of_site(SITE)) == 12


async def test_an_unwritable_database_is_unavailable_and_nothing_is_acknowledged(
    installation: Installation, agent: Identity
) -> None:
    limit = installation.collector.writer.submit
    limit(lambda transaction: transaction.connection().exec_driver_sql("PRAGMA query_only = ON")).result(60)
    async with installation.channel(agent) as channel:
        stub = ReportServiceStub(channel)
        code, sentence = await refusal(stub.Submit(SubmitRequest(report=agent.sign(report_of()))))
    assert code is grpc.StatusCode.UNAVAILABLE
    assert "enregistrer" in sentence


def _request(digest: bytes, at: datetime) -> ConfirmRequest:
    request = ConfirmRequest(digest=digest)
    request.collected_at.FromDatetime(at)
    return request


async def test_a_report_that_still_holds_is_confirmed_and_counts_as_collected_again(
    installation: Installation, agent: Identity
) -> None:
    now = datetime.now(UTC)
    first = await _submit(installation, agent, agent.sign(report_of(at=now - timedelta(days=2))))
    async with installation.channel(agent) as channel:
        answer = await ReportServiceStub(channel).Confirm(_request(first.digest, now))
    assert (answer.receipt.state, answer.receipt.digest) == (Receipt.ALREADY_KEPT, first.digest)
    with installation.collector.database.read() as transaction:
        (row,) = Reports(transaction).newest_of_site(SITE)
    assert row.collected_at == now
    assert row.received_at >= now
    assert Report.FromString(row.body).collected_at.ToDatetime(UTC) == now - timedelta(days=2)


async def test_only_the_newest_report_of_the_caller_can_be_confirmed(
    installation: Installation, agent: Identity
) -> None:
    now = datetime.now(UTC)
    old = await _submit(installation, agent, agent.sign(report_of(at=now - timedelta(days=2))))
    new = await _submit(installation, agent, agent.sign(report_of("PC-2", at=now - timedelta(days=1))))
    other = await installation.enrol(installation.ticket(name="second"))
    for caller, digest in ((agent, old.digest), (agent, bytes(32)), (other, new.digest)):
        async with installation.channel(caller) as channel:
            code, sentence = await refusal(ReportServiceStub(channel).Confirm(_request(digest, now)))
        assert code == grpc.StatusCode.NOT_FOUND
        assert "rapport entier" in sentence


@pytest.mark.parametrize("error", [timedelta(hours=1), timedelta(days=-3)])
async def test_a_confirmation_by_a_wrong_clock_is_refused(
    installation: Installation, agent: Identity, error: timedelta
) -> None:
    kept = await _submit(installation, agent, agent.sign(report_of(at=datetime.now(UTC) - timedelta(days=4))))
    async with installation.channel(agent) as channel:
        request = _request(kept.digest, datetime.now(UTC) + error)
        code, _ = await refusal(ReportServiceStub(channel).Confirm(request))
    assert code == grpc.StatusCode.INVALID_ARGUMENT
