"""The command as its users run it: exit codes, what goes to which stream, and reports that arrive once."""

import json
import os
import pty
import re
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import json_format
from tests.agent.conftest import Authority
from tests.agent.tiny_collector import TinyCollector

from prerequis.command_line import ExitCode
from prerequis.v1.report_pb2 import ProbeRun, Report, Workstation

# The command on a machine without any of the programs that probes run: some take seconds, and have tests of their own.
BARE = "import sys; from prerequis_agent import __main__, host; host.DIRECTORIES = (); sys.exit(__main__.main())"
COMMAND = [sys.executable, "-c", BARE]


@dataclass
class Agent:
    """One installation of the agent."""

    state: Path

    def __call__(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, "--state", str(self.state), *arguments], capture_output=True, text=True, timeout=60, check=False,
            env={**os.environ, "COLUMNS": "100", **environment},
        )  # fmt: skip

    def enrol(self, collector: TinyCollector, folder: Path, *options: str) -> None:
        done = self("enrol", "--ticket", str(collector.ticket(folder / "ticket.toml")), *options)
        assert done.returncode == ExitCode.DONE, done.stderr

    @property
    def waiting(self) -> list[Path]:
        return sorted((self.state / "spool").glob("*.report"))

    def status(self) -> Any:
        done = self("status", "--json")
        assert done.returncode == ExitCode.DONE, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    return Agent(tmp_path / "state")


@pytest.fixture
def collector(authority: Authority) -> Iterator[TinyCollector]:
    started = TinyCollector(authority)
    started.start()
    yield started
    started.stop()


@pytest.fixture
def enrolled(agent: Agent, collector: TinyCollector, tmp_path: Path) -> Agent:
    agent.enrol(collector, tmp_path, "--role", "care")
    return agent


def one_sentence(done: subprocess.CompletedProcess[str]) -> str:
    """Return what a failed command said: one line on stderr, nothing on stdout."""
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    return done.stderr


def test_the_installed_command_tells_its_version() -> None:
    program = str(Path(sys.executable).parent / "prerequis-agent")
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("prerequis-agent 0.")


def test_the_version_loads_nothing_heavy() -> None:
    program = """
import sys
from prerequis_agent.__main__ import parser
parser()
heavy = {"grpc", "google.protobuf", "cryptography", "psutil", "asyncio", "prerequis_rules", "ssl"} & set(sys.modules)
sys.exit(f"loaded: {heavy}" if heavy else 0)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_scan_without_a_collector_loads_nothing_heavy_beside_its_probes(tmp_path: Path) -> None:
    program = f"""
import sys
from prerequis_agent.__main__ import main
assert main(["--state", {str(tmp_path)!r}, "scan", "--no-line"]) == 0
heavy = {{"grpc", "prerequis_rules", "cel_expr_python", "cryptography", "smartcard", "scapy", "statistics"}}
sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_help_is_french_and_names_every_command(agent: Agent) -> None:
    done = agent("--help")
    assert done.returncode == ExitCode.DONE
    assert "usage : prerequis-agent" in done.stdout
    for command in ("enrol", "scan", "send", "run", "advise", "status"):
        assert command in done.stdout


@pytest.mark.parametrize("arguments", [[], ["dance"], ["scan", "--nothing"], ["scan", "--only", "none"], ["enrol"]])
def test_wrong_usage_is_exit_code_2_on_stderr(agent: Agent, arguments: list[str]) -> None:
    done = agent(*arguments)
    assert done.returncode == ExitCode.WRONG_INPUT
    assert done.stdout == ""
    assert "Voir : prerequis-agent" in done.stderr


def test_a_wrong_probe_name_gives_the_list(agent: Agent) -> None:
    assert "'services'" in agent("scan", "--only", "none").stderr


def test_a_machine_that_is_not_enrolled_is_scanned_all_the_same(agent: Agent) -> None:
    done = agent("scan", "--json")
    assert done.returncode == ExitCode.DONE
    assert done.stderr == ""
    report = json_format.Parse(done.stdout, Report())
    assert report.workstation.id == ""
    runs = {run.name: run for run in report.probes}
    assert {"services", "line"} <= set(runs)
    assert runs["services"].outcome == ProbeRun.UNSUPPORTED
    assert "enrôler ce poste" in runs["line"].detail
    for run in json.loads(done.stdout)["probes"]:
        assert set(run) == {"name", "outcome", "wallSeconds", "cpuSeconds", "detail"}


def test_one_probe_alone_is_asked_and_the_line_can_be_left_out(agent: Agent) -> None:
    only = json.loads(agent("scan", "--json", "--only", "services").stdout)
    assert [run["name"] for run in only["probes"]] == ["services"]
    without = json.loads(agent("scan", "--json", "--no-line").stdout)
    assert "line" not in [run["name"] for run in without["probes"]]


def test_a_scan_for_a_person_is_readable(agent: Agent) -> None:
    done = agent("scan", "--no-line")
    assert done.returncode == ExitCode.DONE
    assert done.stdout.startswith("Poste ")
    assert "services         impossible ici" in done.stdout


@pytest.mark.parametrize("command", ["send", "run"])
def test_without_enrolment_nothing_can_be_sent(agent: Agent, command: str) -> None:
    done = agent(command)
    assert done.returncode == ExitCode.WRONG_INPUT
    assert "enrol --ticket" in one_sentence(done)


def test_enrolling_keeps_the_identity_for_this_account_alone(enrolled: Agent) -> None:
    assert stat.S_IMODE(enrolled.state.stat().st_mode) == 0o700
    for file in enrolled.state.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    found = enrolled.status()
    assert found["enrolled"] is True
    assert (found["finess"], found["site"], found["role"]) == ("990000010", "Site d'essai", "care")
    assert (found["agentId"], found["waiting"]) == ("agent-1", 0)
    assert "Site d'essai (990000010)" in enrolled("status").stdout


def test_a_wrong_ticket_is_refused_and_leaves_nothing(agent: Agent, collector: TinyCollector, tmp_path: Path) -> None:
    done = agent("enrol", "--ticket", str(collector.ticket(tmp_path / "wrong.toml", secret="sésame")))
    assert done.returncode == ExitCode.REFUSED
    assert one_sentence(done) == "Ticket inconnu : en demander un nouveau.\n"
    assert agent.status()["enrolled"] is False


def test_an_expired_ticket_is_refused_before_it_is_used(agent: Agent, collector: TinyCollector, tmp_path: Path) -> None:
    done = agent("enrol", "--ticket", str(collector.ticket(tmp_path / "old.toml", expires="2020-01-31T00:00:00Z")))
    assert done.returncode == ExitCode.WRONG_INPUT
    assert "a expiré le 31/01/2020" in one_sentence(done)


def test_a_refused_ticket_leaves_an_earlier_enrolment_as_it_was(
    enrolled: Agent, collector: TinyCollector, tmp_path: Path
) -> None:
    before = enrolled.status()
    assert enrolled("enrol", "--ticket", str(collector.ticket(tmp_path / "x.toml", secret="x"))).returncode == 4
    assert enrolled.status() == before


def test_enrolling_where_the_collector_is_away_is_exit_code_3(
    agent: Agent, authority: Authority, tmp_path: Path
) -> None:
    away = TinyCollector(authority, port=9, enrolment_port=9)
    done = agent("enrol", "--ticket", str(away.ticket(tmp_path / "ticket.toml")))
    assert done.returncode == ExitCode.UNREACHABLE
    assert "injoignable" in one_sentence(done)


def test_a_collector_of_another_authority_is_told_apart(agent: Agent, collector: TinyCollector, tmp_path: Path) -> None:
    ticket = collector.ticket(tmp_path / "ticket.toml")
    ticket.write_text(ticket.read_text().replace(collector.authority.pem.decode(), Authority.create().pem.decode()))
    done = agent("enrol", "--ticket", str(ticket))
    assert done.returncode == ExitCode.UNREACHABLE
    assert "n'est pas le collecteur" in one_sentence(done)


def test_a_run_hands_in_a_signed_report(enrolled: Agent, collector: TinyCollector) -> None:
    done = enrolled("run", "--now", "--no-line")
    assert done.returncode == ExitCode.DONE, done.stderr
    assert done.stdout == "Rapports remis : 1.\n"
    assert done.stderr == ""
    (report,) = collector.reports
    assert report.workstation.id == "agent-1"
    assert report.workstation.role == Workstation.CARE
    assert enrolled.waiting == []
    (endpoint,) = report.facts.services.endpoints
    assert endpoint.reachable
    assert endpoint.purpose == "collector"


def test_what_has_not_changed_is_confirmed_in_few_bytes(enrolled: Agent, collector: TinyCollector) -> None:
    assert enrolled("run", "--now", "--no-line").returncode == ExitCode.DONE
    again = enrolled("run", "--now", "--no-line")
    assert again.returncode == ExitCode.DONE, again.stderr
    assert again.stdout == "Rien n'a changé sur ce poste depuis le dernier rapport remis : confirmé.\n"
    assert len(collector.kept) == 1
    (request,) = collector.confirmed
    assert request.ByteSize() <= 200
    assert (request.digest,) == tuple(collector.kept)


def test_a_report_that_the_collector_lost_is_sent_whole(enrolled: Agent, collector: TinyCollector) -> None:
    enrolled("run", "--now", "--no-line")
    collector.kept.clear()
    assert enrolled("run", "--now", "--no-line").stdout == "Rapports remis : 1.\n"
    assert (len(collector.kept), collector.confirmed) == (1, [])


def test_a_change_is_sent_whole(enrolled: Agent, collector: TinyCollector) -> None:
    enrolled("run", "--now", "--no-line")
    configuration = enrolled.state / "config.toml"
    configuration.write_text(configuration.read_text().replace('"care"', '"secretariat"'))
    assert enrolled("run", "--now", "--no-line").stdout == "Rapports remis : 1.\n"
    assert len(collector.kept) == 2


def test_a_timer_that_strikes_again_the_same_day_finds_nothing_to_do(enrolled: Agent, collector: TinyCollector) -> None:
    enrolled("run", "--now", "--no-line")
    done = enrolled("run", "--no-line")
    assert (done.returncode, done.stdout) == (ExitCode.DONE, "Poste déjà observé aujourd'hui.\n")
    assert (len(collector.kept), collector.confirmed) == (1, [])


def test_a_timer_that_strikes_again_hands_in_what_waits(enrolled: Agent, collector: TinyCollector) -> None:
    collector.stop()
    enrolled("run", "--now", "--no-line")
    collector.start()
    assert enrolled("run", "--no-line").stdout == "Poste déjà observé aujourd'hui.\nRapports remis : 1.\n"


@pytest.mark.parametrize(("battery", "says"), [(True, "Poste sur batterie"), (False, "Rapports remis : 1.")])
def test_a_timer_waits_for_its_moment_and_for_mains_power(enrolled: Agent, battery: bool, says: str) -> None:
    program = f"""
import sys, time
from prerequis_agent import __main__, host, schedule
host.DIRECTORIES = ()
schedule.on_battery = lambda: {battery}
slept = []
time.sleep = slept.append
code = __main__.main(["--state", {str(enrolled.state)!r}, "run", "--no-line"])
assert {battery} or slept and 0 <= slept[0] <= 3600, slept
sys.exit(code)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == ExitCode.DONE, done.stderr
    assert done.stdout.startswith(says)


def test_the_agent_tells_its_own_cost(enrolled: Agent, collector: TinyCollector) -> None:
    assert "Vu           jamais" in enrolled("status").stdout
    enrolled("run", "--now", "--no-line")
    (report,) = collector.reports
    assert 0 < report.cost.wall_seconds < 30
    assert 0 < report.cost.cpu_seconds < 10
    assert 10_000_000 < report.cost.memory_bytes < 200_000_000
    found = enrolled.status()
    assert found["cpuSeconds"] == report.cost.cpu_seconds
    assert found["memoryBytes"] == report.cost.memory_bytes
    assert "de processeur" in enrolled("status").stdout
    assert "Coût de l'observation : " in enrolled("scan", "--only", "system").stdout


def test_the_agent_lets_other_programs_go_first(agent: Agent) -> None:
    program = f"""
import os, sys
from prerequis_agent import __main__, host
host.DIRECTORIES = ()
__main__.main(["--state", {str(agent.state)!r}, "scan", "--only", "system"])
sys.exit(os.nice(0))
"""
    before = os.nice(0)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60, check=False)
    assert done.returncode == min(19, before + 10), done.stderr


def test_a_report_made_while_the_collector_is_away_arrives_once(enrolled: Agent, collector: TinyCollector) -> None:
    collector.stop()
    away = enrolled("run", "--now", "--no-line")
    assert away.returncode == ExitCode.UNREACHABLE
    assert "Rapports gardés sur ce poste : 1." in one_sentence(away)
    assert len(enrolled.waiting) == 1
    assert enrolled("send").returncode == ExitCode.UNREACHABLE
    collector.start()
    assert enrolled("send").stdout == "Rapports remis : 1.\n"
    assert enrolled("send").stdout == "Rapports remis : 0.\n"
    assert len(collector.kept) == 1
    assert enrolled.waiting == []


def test_two_commands_that_send_at_once_do_not_trip_over_each_other(enrolled: Agent, collector: TinyCollector) -> None:
    collector.stop()
    for _ in range(3):
        enrolled("run", "--now", "--no-line")
    collector.start()
    sending = [
        subprocess.Popen(
            [*COMMAND, "--state", str(enrolled.state), "send"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        for _ in range(3)
    ]
    said = [process.communicate(timeout=30)[1] for process in sending]
    assert [process.returncode for process in sending] == [ExitCode.DONE] * 3, said
    assert len(collector.kept) == 3
    assert enrolled.waiting == []


def test_an_offline_scan_still_knows_the_hosts_of_the_plan(enrolled: Agent, collector: TinyCollector) -> None:
    collector.stop()
    report = json_format.Parse(enrolled("scan", "--json", "--only", "services").stdout, Report())
    collector.start()
    (endpoint,) = report.facts.services.endpoints
    assert endpoint.port == collector.port
    assert not endpoint.reachable


def test_a_report_without_a_receipt_waits_and_is_not_kept_twice(enrolled: Agent, collector: TinyCollector) -> None:
    collector.answers_at_most = 0
    done = enrolled("run", "--now", "--no-line")
    assert done.returncode == ExitCode.UNREACHABLE
    assert "n'a pas accusé réception" in done.stderr
    assert len(enrolled.waiting) == len(collector.kept) == 1
    collector.answers_at_most = 10
    assert enrolled("send").stdout == "Rapports remis : 1.\n"
    assert len(collector.kept) == 1


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (grpc.StatusCode.INTERNAL, ExitCode.UNREACHABLE),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, ExitCode.UNREACHABLE),
        (grpc.StatusCode.PERMISSION_DENIED, ExitCode.REFUSED),
    ],
)
def test_a_failure_of_the_collector_loses_no_report(
    enrolled: Agent, collector: TinyCollector, failure: grpc.StatusCode, code: ExitCode
) -> None:
    collector.failure = failure
    done = enrolled("run", "--now", "--no-line")
    assert done.returncode == code
    one_sentence(done)
    assert len(enrolled.waiting) == 1


def test_a_refused_report_is_set_aside_with_the_reason(enrolled: Agent, collector: TinyCollector) -> None:
    collector.refusal = "Horloge du poste fausse."
    done = enrolled("run", "--now", "--no-line")
    assert done.returncode == ExitCode.REFUSED
    assert "Horloge du poste fausse." in done.stderr
    assert enrolled.waiting == []
    assert enrolled.status()["refused"] == 1
    (reason,) = (enrolled.state / "spool" / "refused").glob("*.txt")
    assert reason.read_text() == "Horloge du poste fausse.\n"


def test_a_certificate_past_two_thirds_of_its_life_is_renewed(
    agent: Agent, collector: TinyCollector, tmp_path: Path
) -> None:
    collector.life = (timedelta(days=-80), timedelta(days=10))
    agent.enrol(collector, tmp_path)
    before = agent.status()
    assert agent("send").returncode == ExitCode.DONE
    assert agent("send").returncode == ExitCode.DONE
    assert collector.renewals == 1
    after = agent.status()
    assert after["certificateExpires"] > before["certificateExpires"]
    assert after["agentId"] == before["agentId"]
    assert agent("run", "--now", "--no-line").returncode == ExitCode.DONE


def test_an_expired_certificate_says_what_to_do_and_a_scan_still_works(
    agent: Agent, collector: TinyCollector, tmp_path: Path
) -> None:
    collector.life = (timedelta(days=-80), timedelta(days=-1))
    agent.enrol(collector, tmp_path)
    done = agent("run", "--now")
    assert done.returncode == ExitCode.WRONG_INPUT
    assert "nouveau ticket" in one_sentence(done)
    scan = agent("scan", "--json", "--only", "services")
    assert scan.returncode == ExitCode.DONE
    assert "a expiré" in scan.stderr
    assert json.loads(scan.stdout)["workstation"]["id"] == ""


def test_a_line_lent_to_another_machine_is_an_outcome_and_no_figure(enrolled: Agent, collector: TinyCollector) -> None:
    collector.retry_after = 60
    report = json_format.Parse(enrolled("scan", "--json", "--only", "line").stdout, Report())
    assert not report.facts.HasField("line")
    assert report.probes[0].outcome == ProbeRun.UNSUPPORTED
    assert "autre poste" in report.probes[0].detail
    assert collector.leases == ["asked"]


def test_a_lease_is_given_back_when_the_measurement_fails(enrolled: Agent, collector: TinyCollector) -> None:
    collector.measure_port = 9
    report = json_format.Parse(enrolled("scan", "--json", "--only", "line").stdout, Report())
    assert not report.facts.HasField("line")
    assert collector.leases == ["asked", "released"]


def test_a_state_that_cannot_be_written_spends_no_ticket(
    agent: Agent, collector: TinyCollector, tmp_path: Path
) -> None:
    agent.state.write_text("a file where the directory should be")
    done = agent("enrol", "--ticket", str(collector.ticket(tmp_path / "ticket.toml")))
    assert done.returncode == ExitCode.WRONG_INPUT
    assert "pas le droit d'écrire" in one_sentence(done)


@pytest.mark.parametrize("command", ["scan", "send", "run", "status", "advise"])
def test_a_state_that_cannot_be_read_is_one_sentence(agent: Agent, command: str) -> None:
    agent.state = Path("/" + "x" * 300)
    done = agent(command)
    assert done.returncode == ExitCode.WRONG_INPUT
    assert "ne se lit pas" in one_sentence(done)


def test_a_lost_authority_is_one_sentence(enrolled: Agent) -> None:
    enrolled("run", "--now", "--no-line")
    (enrolled.state / "authority.pem").unlink()
    done = enrolled("run", "--now", "--no-line")
    assert done.returncode == ExitCode.WRONG_INPUT
    assert "enrol --ticket" in one_sentence(done)


def test_a_console_without_our_signs_shows_the_scan_all_the_same(agent: Agent) -> None:
    done = agent("scan", "--only", "services", PYTHONIOENCODING="ascii")
    assert done.returncode == ExitCode.DONE, done.stderr


def test_a_damaged_identity_is_one_sentence(enrolled: Agent) -> None:
    (enrolled.state / "identity.pem").write_text("nonsense")
    done = enrolled("send")
    assert done.returncode == ExitCode.WRONG_INPUT
    assert "abîmée" in one_sentence(done)


def test_a_lost_plan_costs_no_more_than_the_services(enrolled: Agent, collector: TinyCollector) -> None:
    (enrolled.state / "plan.json").write_text("{")
    collector.stop()
    done = enrolled("scan", "--json", "--only", "services")
    collector.start()
    assert done.returncode == ExitCode.DONE
    assert json.loads(done.stdout)["probes"][0]["outcome"] == "UNSUPPORTED"


def test_an_interrupted_scan_ends_at_once_without_a_trace(enrolled: Agent, collector: TinyCollector) -> None:
    collector.retry_after = 5
    process = subprocess.Popen(
        [*COMMAND, "--state", str(enrolled.state), "scan", "--only", "line"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    ends = time.monotonic() + 20
    while not collector.leases:
        assert time.monotonic() < ends
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    stdout, stderr = process.communicate(timeout=20)
    assert time.monotonic() - started < 3
    assert process.returncode == 128 + signal.SIGINT
    assert stdout == ""
    assert stderr == "\nInterrompu.\n"


def test_a_reader_that_leaves_is_not_an_error(agent: Agent) -> None:
    piped = [*COMMAND, "--state", str(agent.state), "scan", "--json", "--only", "services"]
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{shlex.join(piped)} | true"], capture_output=True, text=True, timeout=30
    )
    assert done.stderr == ""


def test_on_a_terminal_each_probe_has_its_line_and_stdout_stays_pure(agent: Agent) -> None:
    leader, follower = pty.openpty()
    done = subprocess.run(
        [*COMMAND, "--state", str(agent.state), "scan", "--json", "--only", "services"],
        stdout=subprocess.PIPE, stderr=follower, timeout=30, check=True,
    )  # fmt: skip
    os.close(follower)
    shown = os.read(leader, 10_000).decode()
    os.close(leader)
    assert "– services         impossible ici" in shown
    assert json.loads(done.stdout)["probes"][0]["name"] == "services"


def test_advice_gives_every_verdict_with_its_remedy(agent: Agent) -> None:
    done = agent("advise", "--json")
    assert done.returncode == ExitCode.DONE, done.stderr
    document = json.loads(done.stdout)
    assert document["light"] in {"RED", "AMBER", "GREEN"}
    assert "enrol --ticket" in document["remaining"][0]
    verdicts = document["verdicts"]
    for verdict in verdicts:
        assert set(verdict) == {"rule", "level", "verdict", "observed", "expected", "remedy"}
        assert verdict["verdict"] in {"PASS", "FAIL", "UNKNOWN", "NOT_APPLICABLE"}


def test_advice_works_without_a_collector_and_writes_a_page(enrolled: Agent, collector: TinyCollector) -> None:
    collector.stop()
    path = enrolled.state.parent / "page.html"
    done = enrolled("advise", "--html", str(path))
    collector.start()
    assert done.returncode == ExitCode.DONE, done.stderr
    assert re.match(r"(ROUGE|ORANGE|VERT) : ", done.stdout)
    assert "À faire avant de quitter le site" in done.stdout
    assert "Site d&#x27;essai" in path.read_text()


def test_a_page_that_cannot_be_written_is_one_sentence(agent: Agent) -> None:
    done = agent("advise", "--html", "/nowhere/page.html")
    assert done.returncode == ExitCode.WRONG_INPUT
    assert "ne peut pas être écrite" in one_sentence(done)


def test_a_full_disk_is_one_sentence_and_the_earlier_report_is_sent_later(
    enrolled: Agent, collector: TinyCollector
) -> None:
    collector.stop()
    assert enrolled("run", "--now", "--no-line").returncode == ExitCode.UNREACHABLE
    shutil.rmtree(enrolled.state / "spool" / "refused", ignore_errors=True)
    command = [*COMMAND, "--state", str(enrolled.state), "run", "--now", "--no-line"]
    limited = subprocess.run(
        ["bash", "-c", f"ulimit -f 0; trap '' XFSZ; exec {shlex.join(command)}"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    collector.start()
    assert limited.returncode == ExitCode.WRONG_INPUT
    assert "ne se laisse pas écrire" in one_sentence(limited)
    assert len(enrolled.waiting) == 1
    assert enrolled("send").stdout == "Rapports remis : 1.\n"
