"""`run`: what the timer starts, once a day, and what it re-sends."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from tests.agent.commands.agent import Agent
from tests.agent.tiny_collector import TinyCollector

from prerequis.command_line import ExitCode
from prerequis.v1.report_pb2 import Workstation

_ALREADY = r"Poste déjà observé le \d\d/\d\d à \d\d:\d\d ; pour recommencer : « prerequis-agent run --now »\.\n"


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
    for _ in range(5):  # this machine is a real one, of which something may well change between two looks
        seen = len(collector.kept)
        again = enrolled("run", "--now", "--no-line")
        assert again.returncode == ExitCode.DONE, again.stderr
        if collector.confirmed:
            break
    assert again.stdout == "Rien n'a changé sur ce poste depuis le dernier rapport remis : confirmé.\n"
    assert len(collector.kept) == seen
    (request,) = collector.confirmed
    assert request.ByteSize() <= 200
    assert request.digest == list(collector.kept)[-1]


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
    assert done.returncode == ExitCode.DONE
    assert re.fullmatch(_ALREADY, done.stdout)
    assert (len(collector.kept), collector.confirmed) == (1, [])


def test_a_timer_that_strikes_again_hands_in_what_waits(enrolled: Agent, collector: TinyCollector) -> None:
    collector.stop()
    enrolled("run", "--now", "--no-line")
    collector.start()
    assert re.fullmatch(f"{_ALREADY}Rapports remis : 1\\.\n", enrolled("run", "--no-line").stdout)


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


def test_a_run_that_is_killed_half_way_leaves_no_part_of_a_report(
    enrolled: Agent, collector: TinyCollector, tmp_path: Path
) -> None:
    """peers.md §3 row 9: only what was observed to the end is a report."""
    reached = tmp_path / "reached"
    program = f"""
import os, sys, time
from pathlib import Path
from prerequis_agent import __main__, host, runner
from prerequis_agent.probe import Probe
host.DIRECTORIES = ()
def hang(host):
    Path({str(reached)!r}).write_text(str(os.getpid()))
    time.sleep(60)
first, *_ = runner.discover()
runner.discover = lambda: (first, Probe("system", hang, deadline_seconds=60))
sys.exit(__main__.main(["--state", {str(enrolled.state)!r}, "run", "--now", "--no-line"]))
"""
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    ends = time.monotonic() + 60
    while not (reached.exists() and reached.read_text()):
        assert time.monotonic() < ends
        time.sleep(0.02)
    process.kill()
    process.wait()
    # The child goes with it, sooner or later.
    with suppress(ProcessLookupError):
        os.kill(int(reached.read_text()), signal.SIGKILL)
    assert (enrolled.waiting, collector.reports) == ([], [])
    assert enrolled("run", "--now", "--no-line").stdout == "Rapports remis : 1.\n"
    (report,) = collector.reports
    assert len(report.probes) > 30
