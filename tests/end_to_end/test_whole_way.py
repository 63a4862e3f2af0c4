"""From this machine's facts to the site's verdicts and needs, and what happens when something breaks between."""

import json
import os
import shutil
import signal
import sqlite3
from pathlib import Path

import psutil
import pytest
from tests.end_to_end.installation import FINESS, Installation, waiting

from prerequis.command_line import ExitCode


def reports_kept(installation: Installation) -> int:
    """Return how many reports the collector's database holds."""
    (database,) = installation.data.glob("*.sqlite3")
    connection = sqlite3.connect(database)
    try:
        return int(connection.execute("select count(*) from reports").fetchone()[0])
    finally:
        connection.close()


def test_a_scan_becomes_a_scorecard_that_a_person_can_confirm(installation: Installation) -> None:
    installation.enrol()
    scan = json.loads(installation.agent("scan", "--json", "--no-line").stdout)
    assert installation.agent("run", "--now", "--no-line").returncode == ExitCode.DONE
    site = installation.review("site", FINESS)
    assert site["finess"] == FINESS
    assert {framework["id"] for framework in site["frameworks"]} >= {"dui", "anssi-hygiene"}
    dui = next(framework for framework in site["frameworks"] if framework["id"] == "dui")
    assert dui["readiness"] in {"NOT_READY", "INSUFFICIENT_DATA", "READY_WITH_RESERVATIONS", "READY"}
    assert all(verdict["observed"] for verdict in dui["verdicts"] if verdict["verdict"] in {"PASS", "FAIL"})
    assert int(scan["facts"]["machine"]["memoryBytes"]) == psutil.virtual_memory().total
    release = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    assert scan["facts"]["system"]["release"] == release["VERSION_ID"].strip('"')
    sites = installation.review("sites")
    assert sites["total"] == 1
    assert sites["sites"][0]["workstations"] == 1
    needs = installation.review("needs")
    assert {line["finess"] for line in needs["lines"]} <= {FINESS}
    assert needs["notMeasured"] == {"sites": []}


def test_a_report_made_while_the_collector_is_away_arrives_once(installation: Installation) -> None:
    installation.enrol()
    assert installation.stop() == 0
    away = installation.agent("run", "--now", "--no-line")
    assert away.returncode == ExitCode.UNREACHABLE
    assert len(away.stderr.strip().splitlines()) >= 1
    assert "Traceback" not in away.stderr
    assert waiting(installation) == 1
    installation.start()
    assert installation.agent("send").returncode == ExitCode.DONE
    assert waiting(installation) == 0
    assert installation.agent("send").returncode == ExitCode.DONE
    assert reports_kept(installation) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="a network namespace needs root")
def test_a_report_made_without_any_network_arrives_once_when_it_is_back(installation: Installation) -> None:
    installation.enrol()
    cut = installation.agent("run", "--now", prefix=("unshare", "--net"))
    assert cut.returncode == ExitCode.UNREACHABLE
    assert waiting(installation) == 1
    assert installation.agent("send").returncode == ExitCode.DONE
    assert reports_kept(installation) == 1


def test_an_acknowledged_report_survives_the_sudden_death_of_the_collector(installation: Installation) -> None:
    installation.enrol()
    assert installation.agent("run", "--now", "--no-line").returncode == ExitCode.DONE
    assert installation.stop(signal.SIGKILL) == -signal.SIGKILL
    installation.start()
    assert reports_kept(installation) == 1
    assert installation.review("sites")["sites"][0]["workstations"] == 1


def test_two_machines_of_one_site_are_two_workstations(installation: Installation) -> None:
    for machine, role in (("one", "care"), ("two", "secretariat")):
        installation.enrol(machine, role)
        assert installation.agent("run", "--now", "--no-line", machine=machine).returncode == ExitCode.DONE
    subjects = {
        verdict["subject"]
        for framework in installation.review("site", FINESS)["frameworks"]
        for verdict in framework["verdicts"]
        if verdict["scope"] == "workstation"
    }
    assert len(subjects) == 2


def test_a_used_up_ticket_is_refused_with_a_sentence(installation: Installation) -> None:
    ticket = installation.ticket("once.toml", "--uses", "1")
    assert installation.agent("enrol", "--ticket", str(ticket)).returncode == ExitCode.DONE
    again = installation.agent("enrol", "--ticket", str(ticket), machine="two")
    assert again.returncode == ExitCode.REFUSED
    assert "icket" in again.stderr
    assert "Traceback" not in again.stderr


def test_an_agent_of_another_collector_is_told_so_and_loses_nothing(installation: Installation, tmp_path: Path) -> None:
    installation.enrol()
    elsewhere = Installation(tmp_path / "elsewhere")
    elsewhere.folder.mkdir()
    elsewhere.prepare("init", "--name", "localhost", "--name", "127.0.0.1")
    installation.stop()
    moved = tmp_path / "aside"
    shutil.move(installation.data, moved)
    shutil.move(elsewhere.data, installation.data)
    installation.start()
    turned_away = installation.agent("run", "--now", "--no-line")
    assert turned_away.returncode in {ExitCode.UNREACHABLE, ExitCode.REFUSED}
    assert "Traceback" not in turned_away.stderr
    assert waiting(installation) == 1


@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        ("prerequis-agent", ["scan", "--nothing"]),
        ("prerequis-agent", ["scan", "--only", "nothing"]),
        ("prerequis-collector", ["site", "add", "12", "--name", "x"]),
        ("prerequis-collector", ["dance"]),
        ("prerequis", ["site"]),
        ("prerequis", ["--credential", "/nowhere.toml", "sites"]),
    ],
)
def test_wrong_input_is_one_sentence_and_exit_code_2(program: str, arguments: list[str], tmp_path: Path) -> None:
    done = Installation(tmp_path).run(program, *arguments)
    assert done.returncode == ExitCode.WRONG_INPUT
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert 1 <= len(done.stderr.strip().splitlines()) <= 3


def test_a_malformed_rule_is_told_with_its_line_and_column(installation: Installation, tmp_path: Path) -> None:
    own = tmp_path / "own" / "rules" / "local"
    own.mkdir(parents=True)
    (own / "local-rule.toml").write_text(
        'id = "local-rule"\ntitle = "Règle locale"\nscope = "workstation"\nlevel = "minor"\n'
        'met = "facts.machine.memory_byte > 3"\nobserved = "\'x\'"\nremedy = "Rien."\n'
        '[source]\ndocument = "x"\nquote = "x"\n'
    )
    done = installation.collector("rules", "check", str(tmp_path / "own"))
    assert done.returncode != 0
    assert "local-rule.toml:5:" in done.stderr + done.stdout
    assert "memory_byte" in done.stderr + done.stdout
