"""Lists of what was given, and its revocation, over real mutual TLS."""

import json
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from tests.collector.conftest import SITE, Identity, Installation, refusal, report_of

from prerequis.command_line import ExitCode
from prerequis.v1.measurement_pb2 import GetPlanRequest
from prerequis.v1.measurement_pb2_grpc import MeasurementServiceStub
from prerequis.v1.report_pb2 import Receipt, SubmitManyRequest, SubmitManyResponse, SubmitRequest
from prerequis.v1.report_pb2_grpc import ReportServiceStub
from prerequis.v1.review_pb2 import ListSitesRequest
from prerequis.v1.review_pb2_grpc import ReviewServiceStub
from prerequis_collector.store.sites import Sites
from prerequis_collector.store.tickets import TicketRow, Tickets

Capture = pytest.CaptureFixture[str]


def _listed(installation: Installation, capsys: Capture, *command: str) -> list[dict[str, object]]:
    capsys.readouterr()
    assert installation.run(*command, "list", "--json") == 0
    (rows,) = json.loads(capsys.readouterr().out).values()
    assert isinstance(rows, list)
    return rows


def _revision(installation: Installation) -> int:
    with installation.collector.database.read() as transaction:
        site = Sites(transaction).find(SITE)
    assert site is not None
    return site.revision


async def test_a_revoked_ticket_enrols_nobody_and_who_enrolled_with_it_stays(
    installation: Installation, capsys: Capture
) -> None:
    secret = installation.ticket("--uses", "3")
    agent = await installation.enrol(secret)
    (before,) = _listed(installation, capsys, "ticket")
    assert (before["finess"], before["usesLeft"], before["revoked"]) == (SITE, 2, False)
    assert secret not in str(before)
    assert installation.run("ticket", "revoke", str(before["id"])) == 0
    code, _ = await refusal(installation.enrol(secret))
    assert code is grpc.StatusCode.PERMISSION_DENIED
    (after,) = _listed(installation, capsys, "ticket")
    assert after == {**before, "revoked": True}
    async with installation.channel(agent) as channel:
        await MeasurementServiceStub(channel).GetPlan(GetPlanRequest())


async def test_a_revoked_agent_is_refused_from_the_next_call_on_and_leaves_the_judgement_of_its_site(
    installation: Installation, agent: Identity, capsys: Capture
) -> None:
    async with installation.channel(agent) as channel:
        stub = ReportServiceStub(channel)
        await stub.Submit(SubmitRequest(report=agent.sign(report_of("PC-ACCUEIL"))))
        (before,) = _listed(installation, capsys, "agent")
        assert (before["id"], before["hostname"], before["revoked"]) == (agent.agent_id, "PC-ACCUEIL", False)
        revision = _revision(installation)
        assert installation.run("agent", "revoke", agent.agent_id) == 0
        code, _ = await refusal(stub.Submit(SubmitRequest(report=agent.sign(report_of("PC-2")))))
    assert code is grpc.StatusCode.UNAUTHENTICATED
    assert _revision(installation) == revision + 1
    (after,) = _listed(installation, capsys, "agent")
    assert (after["revoked"], after["hostname"]) == (True, None)


async def test_what_an_agent_streams_after_its_revocation_is_refused(
    installation: Installation, agent: Identity
) -> None:
    async with installation.channel(agent) as channel:
        call = ReportServiceStub(channel).SubmitMany()
        await call.write(SubmitManyRequest(report=agent.sign(report_of("PC-1"))))
        answer = await call.read()
        assert isinstance(answer, SubmitManyResponse)
        assert answer.receipt.state == Receipt.KEPT
        assert installation.run("agent", "revoke", agent.agent_id) == 0
        await call.write(SubmitManyRequest(report=agent.sign(report_of("PC-2"))))
        code, _ = await refusal(call.read())
    assert code is grpc.StatusCode.UNAUTHENTICATED


async def test_a_revoked_operator_is_refused_from_the_next_call_on(installation: Installation, capsys: Capture) -> None:
    async with installation.channel(installation.operator("dsi", "dsi-1")) as channel:
        stub = ReviewServiceStub(channel)
        await stub.ListSites(ListSitesRequest())
        assert installation.run("operator", "revoke", "dsi-1") == 0
        assert (await refusal(stub.ListSites(ListSitesRequest())))[0] is grpc.StatusCode.UNAUTHENTICATED
    (row,) = _listed(installation, capsys, "operator")
    assert (row["name"], row["role"], row["revoked"]) == ("dsi-1", "dsi", True)


@pytest.mark.parametrize("kind", ["ticket", "agent", "operator"])
async def test_revoking_what_is_not_there_is_one_sentence(
    installation: Installation, capsys: Capture, kind: str
) -> None:
    capsys.readouterr()
    assert installation.run(kind, "revoke", "inconnu") == ExitCode.WRONG_INPUT
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert f"prerequis-collector {kind} list" in told


async def test_a_table_says_in_french_what_each_ticket_is_still_worth(
    installation: Installation, capsys: Capture
) -> None:
    now = datetime.now(UTC)
    states = {"valable": (1, 1, False), "épuisé": (1, 0, False), "expiré": (-1, 1, False), "révoqué": (1, 1, True)}
    with installation.collector.database.write() as transaction:
        for number, (days, uses, revoked) in enumerate(states.values()):
            row = TicketRow(
                id=f"t{number}", secret_digest=bytes([number]), finess=SITE, created_at=now - timedelta(days=number),
                expires_at=now + timedelta(days=days), uses_left=uses, revoked=revoked,
            )  # fmt: skip
            Tickets(transaction).add(row)
    capsys.readouterr()
    assert installation.run("ticket", "list", "--site", SITE) == 0
    heading, *lines = capsys.readouterr().out.splitlines()
    assert heading.split() == ["TICKET", "SITE", "CRÉÉ", "EXPIRE", "RESTE", "ÉTAT"]
    assert [(line.split()[0], line.split()[-1]) for line in lines] == [(f"t{n}", s) for n, s in enumerate(states)]


@pytest.mark.parametrize("kind", ["ticket", "agent"])
async def test_the_list_of_an_unknown_site_is_wrong_input(installation: Installation, kind: str) -> None:
    assert installation.run(kind, "list", "--site", "330000027") == ExitCode.WRONG_INPUT


async def test_lists_of_nothing_have_a_heading_only(installation: Installation, capsys: Capture) -> None:
    capsys.readouterr()
    for kind in ("ticket", "agent", "operator"):
        assert installation.run(kind, "list") == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
