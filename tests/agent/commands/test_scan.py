"""`scan`: what it shows, to whom, and what it loads."""

import json
import os
import pty
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

from google.protobuf import json_format
from tests.agent.commands.agent import COMMAND, Agent
from tests.agent.tiny_collector import TinyCollector

from prerequis.command_line import ExitCode
from prerequis.v1.report_pb2 import ProbeRun, Report
from prerequis_agent.probes import probe_names


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


def test_a_report_accounts_for_every_probe_whatever_became_of_it(agent: Agent) -> None:
    """peers.md §3 row 2: an inventory that is incomplete and looks complete."""
    report = json_format.Parse(agent("scan", "--json").stdout, Report())
    assert sorted(run.name for run in report.probes) == sorted(probe_names())
    silent = [run for run in report.probes if run.outcome not in (ProbeRun.FOUND, ProbeRun.NOTHING)]
    assert silent
    assert [run.name for run in silent if not run.detail or report.facts.HasField(run.name)] == []  # type: ignore[arg-type]  # the stub wants a literal


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


def test_an_offline_scan_still_knows_the_hosts_of_the_plan(enrolled: Agent, collector: TinyCollector) -> None:
    collector.stop()
    report = json_format.Parse(enrolled("scan", "--json", "--only", "services").stdout, Report())
    collector.start()
    (endpoint,) = report.facts.services.endpoints
    assert endpoint.port == collector.port
    assert not endpoint.reachable


def test_a_lost_plan_costs_no_more_than_the_services(enrolled: Agent, collector: TinyCollector) -> None:
    (enrolled.state / "plan.json").write_text("{")
    collector.stop()
    done = enrolled("scan", "--json", "--only", "services")
    collector.start()
    assert done.returncode == ExitCode.DONE
    assert json.loads(done.stdout)["probes"][0]["outcome"] == "UNSUPPORTED"


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


def test_a_console_without_our_signs_shows_the_scan_all_the_same(agent: Agent) -> None:
    done = agent("scan", "--only", "services", PYTHONIOENCODING="ascii")
    assert done.returncode == ExitCode.DONE, done.stderr


def test_an_interrupted_scan_ends_at_once_without_a_trace(enrolled: Agent, collector: TinyCollector) -> None:
    collector.retry_after = 15
    process = subprocess.Popen(
        [*COMMAND, "--state", str(enrolled.state), "scan", "--only", "line"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    ends = time.monotonic() + 60
    while not collector.leases:
        assert time.monotonic() < ends
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    stdout, stderr = process.communicate(timeout=120)
    # Long before the wait for the line would end.
    assert time.monotonic() - started < 12
    assert process.returncode == 128 + signal.SIGINT
    assert stdout == ""
    assert stderr == "\nInterrompu.\n"


def test_a_reader_that_leaves_is_not_an_error(agent: Agent) -> None:
    piped = [*COMMAND, "--state", str(agent.state), "scan", "--json", "--only", "services"]
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{shlex.join(piped)} | true"], capture_output=True, text=True, timeout=120
    )
    assert done.stderr == ""


def test_on_a_terminal_each_probe_has_its_line_and_stdout_stays_pure(agent: Agent) -> None:
    leader, follower = pty.openpty()
    done = subprocess.run(
        [*COMMAND, "--state", str(agent.state), "scan", "--json", "--only", "services"],
        stdout=subprocess.PIPE, stderr=follower, timeout=120, check=True,
    )  # fmt: skip
    os.close(follower)
    shown = os.read(leader, 10_000).decode()
    os.close(leader)
    assert "– services         impossible ici" in shown
    assert json.loads(done.stdout)["probes"][0]["name"] == "services"


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
