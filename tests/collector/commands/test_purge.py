"""What goes after two years, what stays, and the account that is given."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.collector.conftest import SITE

from prerequis.command_line import ExitCode
from prerequis_collector import __main__ as program
from prerequis_collector import config
from prerequis_collector.opening import opened_database
from prerequis_collector.services.retain import HISTORY
from prerequis_collector.store.agents import AgentRow, Agents
from prerequis_collector.store.line_candidates import LineCandidateRow
from prerequis_collector.store.line_measurements import LineMeasurementRow, LineMeasurements
from prerequis_collector.store.reports import NewReport, Reports
from prerequis_collector.store.site_services import KnownServices, SiteServicesRow
from prerequis_collector.store.tickets import TicketRow, Tickets

NOW = datetime.now(UTC)
CLOSED = "330000027"
OLD, RECENT = NOW - HISTORY - timedelta(days=1), NOW - HISTORY + timedelta(days=1)


def _report(digest: bytes, agent_id: str, at: datetime) -> NewReport:
    return NewReport(digest, agent_id, SITE, at, at, b"", b"")


def _measurement(name: str, at: datetime) -> LineMeasurementRow:
    return LineMeasurementRow(
        id=name, finess=SITE, agent_id="here", egress=b"", method=1, attended=False, wireless=False, began_at=at
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    data = tmp_path / "collector"
    for arguments in (
        ["init", "--name", "localhost"],
        ["site", "add", SITE, "--name", "Les Tilleuls"],
        ["site", "add", CLOSED, "--name", "Fermé"],
    ):
        assert program.main(["--data", str(data), *arguments]) == 0
    with opened_database(config.load(data)) as database, database.write() as transaction:
        agents, reports = Agents(transaction), Reports(transaction)
        for name, seen, revoked in (
            ("here", NOW, False), ("silent", OLD, False), ("gone", OLD, True), ("never", None, True),
            ("taken", NOW, True),
        ):  # fmt: skip
            agents.add(
                AgentRow(id=name, finess=SITE, fingerprint=b"f", enrolled_at=OLD, last_seen=seen, revoked=revoked)
            )
        for number in range(1200):
            reports.keep(_report(b"old%d" % number, "here", OLD - timedelta(minutes=number)))
        for digest, agent, at in ((b"new", "here", RECENT), (b"gone", "gone", OLD), (b"taken", "taken", RECENT)):
            reports.keep(_report(digest, agent, at))
        transaction.add(LineCandidateRow(agent_id="gone", finess=SITE, wireless=False, metered=False, seen_at=OLD))
        for name, at in (("m1", OLD), ("m2", RECENT)):
            LineMeasurements(transaction).begin(_measurement(name, at))
        for finess, at in ((CLOSED, OLD), (SITE, RECENT)):
            KnownServices(transaction).save(SiteServicesRow.of(finess, at, b""))
        for digest, ends in ((b"s", OLD), (b"t", RECENT)):
            Tickets(transaction).add(
                TicketRow(secret_digest=digest, finess=SITE, created_at=OLD, expires_at=ends, uses_left=1)
            )
        transaction.flush()
    return data


def _purge(data: Path, capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, object]:
    capsys.readouterr()
    assert program.main(["--data", str(data), "purge", "--json", *options]) == 0
    document: dict[str, object] = json.loads(capsys.readouterr().out)
    return document


def test_a_dry_run_counts_what_the_purge_then_deletes_and_a_second_finds_nothing(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = {"reports": 1201, "line_measurements": 1, "site_services": 1, "revoked_agents": 2, "tickets": 1}
    assert _purge(data, capsys, "--dry-run")["rows"] == expected
    assert _purge(data, capsys, "--dry-run")["rows"] == expected
    assert _purge(data, capsys)["rows"] == expected
    assert _purge(data, capsys)["rows"] == dict.fromkeys(expected, 0)
    with opened_database(config.load(data)) as database, database.read() as transaction:
        assert [agent.id for agent in Agents(transaction).all()] == ["here", "silent", "taken"]
        assert Reports(transaction).find(b"new") is not None
        assert Reports(transaction).find(b"taken") is not None
        assert Reports(transaction).find(b"old0") is None
        assert LineMeasurements(transaction).find("m2") is not None
        assert [KnownServices(transaction).find(finess) is None for finess in (CLOSED, SITE)] == [True, False]
        assert [ticket.secret_digest for ticket in Tickets(transaction).all()] == [b"t"]


def test_people_read_the_account_in_french(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert program.main(["--data", str(data), "purge", "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert "Rapports de postes" in told
    assert "1201" in told
    assert told.endswith("Rien n'a été effacé ; relancer sans --dry-run.\n")


@pytest.mark.parametrize("days", ["0", "-1", "30", "800000", "99999999999"])
def test_the_present_is_never_purged_nor_what_no_calendar_has(data: Path, days: str) -> None:
    assert program.main(["--data", str(data), "purge", "--days", days]) == ExitCode.WRONG_INPUT
