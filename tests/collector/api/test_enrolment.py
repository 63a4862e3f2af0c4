"""Enrolment over real TLS: who gets a certificate, and what it is worth."""

from datetime import UTC, datetime, timedelta

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from tests.collector.conftest import SITE, Identity, Installation, csr_of, refusal

from prerequis.v1.enrolment_pb2 import EnrolRequest, RenewRequest
from prerequis.v1.enrolment_pb2_grpc import EnrolmentServiceStub
from prerequis.v1.measurement_pb2 import GetPlanRequest
from prerequis.v1.measurement_pb2_grpc import MeasurementServiceStub
from prerequis_collector.services.authority import AGENT_LIFE, Authority, new_key
from prerequis_collector.store.agents import Agents


async def _plan_code(installation: Installation, identity: Identity | None) -> grpc.StatusCode:
    async with installation.channel(identity) as channel:
        code, _ = await refusal(MeasurementServiceStub(channel).GetPlan(GetPlanRequest(), timeout=60))
    return code


async def test_a_ticket_gives_a_certificate_of_ninety_days_for_the_key_of_the_request(
    installation: Installation, agent: Identity
) -> None:
    leaf, authority = (x509.load_der_x509_certificate(der) for der in agent.chain)
    assert leaf.public_key() == agent.key.public_key()
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [f"prerequis://agent/{agent.agent_id}"]
    assert leaf.not_valid_after_utc - datetime.now(UTC) <= AGENT_LIFE
    assert authority == installation.collector.authority.certificate
    with installation.collector.database.read() as transaction:
        row = Agents(transaction).find(agent.agent_id)
    assert row is not None
    assert row.finess == SITE


async def test_an_enrolled_agent_is_answered_and_renews_under_the_same_name(
    installation: Installation, agent: Identity
) -> None:
    key = new_key()
    async with installation.channel(agent) as channel:
        answer = await EnrolmentServiceStub(channel).Renew(RenewRequest(csr=csr_of(key)))
        assert await MeasurementServiceStub(channel).GetPlan(GetPlanRequest()) is not None
    renewed = Identity(key, tuple(answer.chain))
    async with installation.channel(renewed) as channel:
        assert await MeasurementServiceStub(channel).GetPlan(GetPlanRequest()) is not None
    names = x509.load_der_x509_certificate(answer.chain[0]).extensions
    uris = names.get_extension_for_class(x509.SubjectAlternativeName).value
    assert uris.get_values_for_type(x509.UniformResourceIdentifier) == [f"prerequis://agent/{agent.agent_id}"]


@pytest.mark.parametrize("kind", ["unknown", "exhausted", "expired"])
async def test_a_ticket_that_is_not_good_is_refused_without_saying_why(installation: Installation, kind: str) -> None:
    secret = installation.ticket("--uses", "1")
    if kind == "unknown":
        secret = "x" * 43
    elif kind == "exhausted":
        await installation.enrol(secret)
    else:
        installation.collector.now = lambda: datetime.now(UTC) + timedelta(days=31)
    async with installation.channel(None, where=installation.collector.reached_at.enrolment) as channel:
        request = EnrolRequest(ticket=secret, csr=csr_of(new_key()))
        code, sentence = await refusal(EnrolmentServiceStub(channel).Enrol(request))
    assert code is grpc.StatusCode.PERMISSION_DENIED
    assert sentence == "Ce ticket n'est pas, ou n'est plus, valable : en demander un autre."


@pytest.mark.parametrize("damage", ["garbage", "another key's signature"])
async def test_a_bad_request_spends_no_use_of_the_ticket(installation: Installation, damage: str) -> None:
    secret = installation.ticket("--uses", "1")
    request = csr_of(new_key())
    broken = b"garbage" if damage == "garbage" else request[:-4] + bytes(byte ^ 1 for byte in request[-4:])
    async with installation.channel(None, where=installation.collector.reached_at.enrolment) as channel:
        code, _ = await refusal(EnrolmentServiceStub(channel).Enrol(EnrolRequest(ticket=secret, csr=broken)))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert (await installation.enrol(secret)).agent_id


async def test_the_enrolment_port_answers_nothing_but_enrol(installation: Installation) -> None:
    async with installation.channel(None, where=installation.collector.reached_at.enrolment) as channel:
        code, _ = await refusal(MeasurementServiceStub(channel).GetPlan(GetPlanRequest()))
        assert code is grpc.StatusCode.UNAUTHENTICATED


async def test_a_revoked_agent_is_refused_from_the_next_call_on(installation: Installation, agent: Identity) -> None:
    async with installation.channel(agent) as channel:
        stub = MeasurementServiceStub(channel)
        await stub.GetPlan(GetPlanRequest())
        with installation.collector.database.write() as transaction:
            assert Agents(transaction).revoke(agent.agent_id)
        code, _ = await refusal(stub.GetPlan(GetPlanRequest()))
    assert code is grpc.StatusCode.UNAUTHENTICATED


async def test_no_certificate_or_one_of_another_authority_ends_at_the_handshake(installation: Installation) -> None:
    key, now = new_key(), datetime.now(UTC)
    other = Authority.create(now).issue_agent(key.public_key(), "a", now)
    forged = Identity(key, (other.public_bytes(serialization.Encoding.DER),))
    assert await _plan_code(installation, None) is grpc.StatusCode.UNAVAILABLE
    assert await _plan_code(installation, forged) is grpc.StatusCode.UNAVAILABLE


async def test_a_certificate_of_ours_for_somebody_unknown_is_refused(installation: Installation) -> None:
    key = new_key()
    leaf = installation.collector.authority.issue_agent(key.public_key(), "nobody", datetime.now(UTC))
    nobody = Identity(key, (leaf.public_bytes(serialization.Encoding.DER),))
    assert await _plan_code(installation, nobody) is grpc.StatusCode.UNAUTHENTICATED
