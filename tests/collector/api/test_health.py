"""The standard question of health, over real TLS."""

from collections.abc import Awaitable, Callable

import grpc
import pytest
from grpc import aio
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from tests.collector.conftest import Identity, Installation, refusal

from prerequis_collector.errors import StorageUnavailable
from prerequis_collector.store.database import Transaction


def _stub(
    channel: aio.Channel, method: str = "Check"
) -> Callable[[HealthCheckRequest], Awaitable[HealthCheckResponse]]:
    return channel.unary_unary(
        f"/grpc.health.v1.Health/{method}",
        request_serializer=HealthCheckRequest.SerializeToString,
        response_deserializer=HealthCheckResponse.FromString,
    )


async def test_anybody_may_ask_on_the_enrolment_port_and_an_agent_on_the_main_one(
    installation: Installation, agent: Identity
) -> None:
    where = installation.collector.reached_at
    for identity, port in ((None, where.enrolment), (agent, where.listen)):
        async with installation.channel(identity, where=port) as channel:
            for service in ("", "prerequis.v1.ReportService"):
                answer = await _stub(channel)(HealthCheckRequest(service=service))
                assert answer.status == HealthCheckResponse.SERVING


async def test_a_service_that_is_not_here_is_not_found(installation: Installation) -> None:
    async with installation.channel(None, where=installation.collector.reached_at.enrolment) as channel:
        code, _ = await refusal(_stub(channel)(HealthCheckRequest(service="nobody.v1.Knows")))
    assert code is grpc.StatusCode.NOT_FOUND


async def test_nobody_can_hold_a_call_open_by_watching(installation: Installation) -> None:
    async with installation.channel(None, where=installation.collector.reached_at.enrolment) as channel:
        code, _ = await refusal(_stub(channel, "Watch")(HealthCheckRequest()))
    assert code is grpc.StatusCode.UNIMPLEMENTED


async def test_a_database_that_does_not_answer_is_told_and_asked_once_for_all_who_ask(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    async def read(question: Callable[[Transaction], None]) -> None:
        asked.append(question)
        raise StorageUnavailable("Le disque est plein.")

    monkeypatch.setattr(type(installation.collector), "read", lambda _, question: read(question))
    async with installation.channel(None, where=installation.collector.reached_at.enrolment) as channel:
        answers = [await _stub(channel)(HealthCheckRequest()) for _ in range(5)]
    assert {answer.status for answer in answers} == {HealthCheckResponse.NOT_SERVING}
    assert len(asked) == 1
