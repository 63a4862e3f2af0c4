"""Every change is in the audit trail, and `audit verify` says whether the trail was touched."""

import json

import pytest
from sqlalchemy import text
from tests.collector.conftest import SITE, Identity, Installation, csr_of

from prerequis.command_line import ExitCode
from prerequis.v1.enrolment_pb2 import RenewRequest
from prerequis.v1.enrolment_pb2_grpc import EnrolmentServiceStub
from prerequis.v1.ordering_pb2 import RecordOrderRequest
from prerequis.v1.ordering_pb2_grpc import OrderingServiceStub
from prerequis.v1.review_pb2 import SaveAnswerRequest
from prerequis.v1.review_pb2_grpc import ReviewServiceStub
from prerequis_collector.services.authority import new_key
from prerequis_collector.store.tickets import Tickets

Capture = pytest.CaptureFixture[str]


def _told(installation: Installation, capsys: Capture, *arguments: str, code: int = 0) -> dict[str, object]:
    capsys.readouterr()
    assert installation.run("audit", *arguments, "--json") == code
    told = json.loads(capsys.readouterr().out)
    assert isinstance(told, dict)
    return told


def _entries(installation: Installation, capsys: Capture) -> list[tuple[str, str, str]]:
    rows = _told(installation, capsys, "list")["entries"]
    assert isinstance(rows, list)
    return [(row["author"], row["action"], row["subject"]) for row in rows]


async def test_every_change_is_told_with_its_author(installation: Installation, capsys: Capture) -> None:
    agent = await installation.enrol(installation.ticket())
    with installation.collector.database.read() as transaction:
        (ticket,) = Tickets(transaction).all()
    item = next(iter(installation.collector.pack.catalogue))
    question = next(iter(installation.collector.pack.questions.values()))
    async with installation.channel(agent) as channel:
        await EnrolmentServiceStub(channel).Renew(RenewRequest(csr=csr_of(new_key())))
    async with installation.channel(installation.operator("dsi", "dsi-1")) as channel:
        answer = SaveAnswerRequest(finess=SITE, question=question.id, choice=question.choices[0])
        await ReviewServiceStub(channel).SaveAnswer(answer)
        order = RecordOrderRequest(finess=SITE, item=item, quantity=1, reference="BC-1")
        await OrderingServiceStub(channel).RecordOrder(order)
    for command in (
        ["agent", "revoke", agent.agent_id],
        ["ticket", "revoke", ticket.id],
        ["operator", "revoke", "dsi-1"],
        ["rejudge", "--processes", "1"],
        ["purge"],
    ):
        assert installation.run(*command) == 0
    assert _entries(installation, capsys) == [
        ("console", "site.save", SITE),
        ("console", "ticket.create", ticket.id),
        (f"ticket:{ticket.id}", "agent.enrol", agent.agent_id),
        (f"agent:{agent.agent_id}", "agent.renew", agent.agent_id),
        ("console", "operator.create", "dsi-1"),
        ("operator:dsi-1", "answer.save", SITE),
        ("operator:dsi-1", "order.record", SITE),
        ("console", "agent.revoke", agent.agent_id),
        ("console", "ticket.revoke", ticket.id),
        ("console", "operator.revoke", "dsi-1"),
        ("console", "sites.rejudge", ""),
        ("console", "history.purge", ""),
    ]
    assert _told(installation, capsys, "verify")["ok"] is True


async def test_looking_leaves_no_entry(installation: Installation, agent: Identity, capsys: Capture) -> None:
    before = _entries(installation, capsys)
    for command in (
        ["status"],
        ["agent", "list"],
        ["purge", "--dry-run"],
        ["rejudge", "--dry-run", "--processes", "1"],
    ):
        assert installation.run(*command) == 0
    assert _entries(installation, capsys) == before


async def test_a_trail_cut_after_a_verification_is_a_finding_at_the_next(
    installation: Installation, capsys: Capture
) -> None:
    installation.ticket()
    before = _told(installation, capsys, "verify")
    with installation.collector.database.write() as transaction:
        connection = transaction.connection()
        connection.execute(text("DELETE FROM audit WHERE number = 2"))
        connection.execute(
            text("UPDATE audit_head SET number = 1, digest = (SELECT digest FROM audit WHERE number = 1)")
        )
    assert _told(installation, capsys, "verify", code=ExitCode.FINDING)["faults"] == ["Il manque l'entrée 2."]
    (installation.data / "audit.head").unlink()
    assert installation.run("audit", "verify", "--anchor", str(before["head"])) == ExitCode.FINDING
    assert capsys.readouterr().out == "✘ Il manque l'entrée 2.\n"


async def test_a_head_that_is_none_is_wrong_input(installation: Installation, capsys: Capture) -> None:
    capsys.readouterr()
    assert installation.run("audit", "verify", "--anchor", "12") == ExitCode.WRONG_INPUT
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(("last", "shown"), [("-5", 0), ("0", 0), ("1", 1), ("99999999999999999999", 1)])
async def test_as_many_entries_as_there_are_are_shown_at_the_most(
    installation: Installation, capsys: Capture, last: str, shown: int
) -> None:
    assert _told(installation, capsys, "list", "--last", last)["entries"] == (
        _told(installation, capsys, "list", "--last", "9")["entries"] if shown else []
    )


async def test_people_read_a_table_and_the_head_to_note(installation: Installation, capsys: Capture) -> None:
    capsys.readouterr()
    assert installation.run("audit", "list", "--last", "1") == 0
    heading, line = capsys.readouterr().out.splitlines()
    assert heading.split() == ["N°", "QUAND", "QUI", "QUOI", "SUR", "DÉTAIL"]
    assert line.split()[4:7] == ["console", "site.save", SITE]
    assert '"name": "Les Tilleuls"' in line
    assert installation.run("audit", "verify") == 0
    assert capsys.readouterr().out.startswith("Piste d'audit intacte ; entrées : 1.")
