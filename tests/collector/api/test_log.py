"""What the log of a serving collector says of those who call it: no value that somebody typed, and nobody's name."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from grpc import aio
from hypothesis import given
from hypothesis import strategies as st
from tests.collector.api.requests import filled, request_of
from tests.collector.conftest import SITE, Identity, Installation, refusal, report_of

from prerequis.v1.report_pb2 import SubmitRequest
from prerequis.v1.report_pb2_grpc import ReportServiceStub
from prerequis.v1.waiver_pb2 import ApproveWaiverRequest, ProposeWaiverRequest
from prerequis.v1.waiver_pb2_grpc import WaiverServiceStub
from prerequis_collector.api.access import OPEN, ROLES
from prerequis_collector.errors import InvalidInput
from prerequis_collector.json_log import JsonFormatter
from prerequis_collector.services.identify import Role
from prerequis_rules.parameters import PARAMETERS

TYPED = "Mme Martin » 2 61 03 « Jeanne"


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(JsonFormatter())
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.told.append(self.format(record))


@pytest.fixture
def log() -> Iterator[_Lines]:
    lines, logger = _Lines(), logging.getLogger("prerequis_collector")
    level = logger.level
    logger.addHandler(lines)
    logger.setLevel(logging.INFO)
    yield lines
    logger.setLevel(level)
    logger.removeHandler(lines)


def _good(installation: Installation) -> dict[str, str]:
    pack = installation.collector.pack
    return {
        "finess": SITE,
        "question": next(iter(pack.questions)),
        "rule": next(iter(pack.rules)),
        "item": next(iter(pack.catalogue)),
        "name": next(iter(PARAMETERS)),
    }


@pytest.mark.parametrize("role", [Role.AGENT, Role.ADMIN])
async def test_no_call_gets_what_was_typed_into_the_log(
    installation: Installation, agent: Identity, log: _Lines, role: Role
) -> None:
    """A method added later is held to this too, without a line here."""
    methods = [method for method, roles in ROLES.items() if role in roles and "SubmitMany" not in method]
    enrolment = [method for method in OPEN if "Enrol" in method] if role is Role.AGENT else []
    identity = agent if role is Role.AGENT else installation.operator("admin")
    good, refused = _good(installation), 0
    async with installation.channel(identity) as channel:
        for method in (*methods, *enrolment):
            for given_fields in ({}, {"finess": SITE}, good):
                request = filled(request_of(method), TYPED, **given_fields)
                ask: aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)
                try:
                    await ask(request.SerializeToString(), timeout=60)
                except aio.AioRpcError:
                    refused += 1
    assert refused > len(methods) / 2
    assert len(log.told) >= refused
    assert [line for line in log.told if "Martin" in line or "Jeanne" in line or "2 61 03" in line] == []


async def test_who_approved_a_waiver_is_told_to_who_comes_second_and_not_to_the_log(
    installation: Installation, log: _Lines
) -> None:
    asked = ProposeWaiverRequest(finess=SITE, rule="reader-on-care-workstation", reason="Commandés.")
    asked.expires.FromDatetime(datetime.now(UTC) + timedelta(days=30))
    async with installation.channel(installation.operator("technician")) as channel:
        proposed = (await WaiverServiceStub(channel).ProposeWaiver(asked)).waiver
    approval = ApproveWaiverRequest(finess=SITE, id=proposed.id)
    for name in ("jeanne.martin", "second"):
        async with installation.channel(installation.operator("dsi", name)) as channel:
            approving = WaiverServiceStub(channel).ApproveWaiver(approval)
            if name == "jeanne.martin":
                await approving
            else:
                assert "jeanne.martin" in (await refusal(approving))[1]
    assert any("ApproveWaiver refused: AlreadyThere" in line for line in log.told)
    assert not any("martin" in line for line in log.told)


async def test_a_machine_is_told_by_its_id_and_never_by_its_name(
    installation: Installation, agent: Identity, log: _Lines
) -> None:
    late = report_of("PC-MME-MARTIN", at=datetime(2001, 1, 1, tzinfo=UTC))
    async with installation.channel(agent) as channel:
        await ReportServiceStub(channel).Submit(SubmitRequest(report=agent.sign(late)))
    assert any(agent.agent_id in line and "refused" in line for line in log.told)
    assert not any("MARTIN" in line for line in log.told)


@given(st.text(), st.text())
def test_a_sentence_goes_to_the_log_without_what_was_typed(typed: str, more: str) -> None:
    error = InvalidInput(f"« {typed} » n'est pas « {more} » ; choisir.")
    assert error.for_log() == "« … » ; choisir."
