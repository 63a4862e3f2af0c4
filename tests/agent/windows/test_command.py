"""The command on Windows, against a real collector on Linux that `linux_side.py` started."""

import sys

assert sys.platform == "win32"

import json
import os
import subprocess
from pathlib import Path

import pytest

TICKET = os.environ.get("PREREQUIS_TICKET", "")


ABSENT_FROM_WINE = {"antivirus", "applications", "backup", "remote_desktop", "remote_tools"}
"""Probes whose source every Windows has and Wine 8 lacks: they fail there with a sentence, as they should."""


def agent(state: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "prerequis_agent", "--state", str(state), *arguments],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=100,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[bytes]:
    return agent(tmp_path_factory.mktemp("state"), "scan", "--json", "--no-line")


def test_a_whole_scan_ends_with_every_probe_accounted_for(scanned: subprocess.CompletedProcess[bytes]) -> None:
    assert scanned.returncode == 0, scanned.stderr.decode()
    report = json.loads(scanned.stdout)
    failed = {run["name"] for run in report["probes"] if run["outcome"] in ("FAILED", "TIMED_OUT", "OVER_BUDGET")}
    assert failed <= ABSENT_FROM_WINE
    assert len(report["probes"]) >= 35


def test_the_system_is_named_as_windows(scanned: subprocess.CompletedProcess[bytes]) -> None:
    system = json.loads(scanned.stdout)["facts"]["system"]
    assert system["family"] == "WINDOWS"


@pytest.mark.parametrize("encoding", ["cp850", "cp1252", "utf-8"])
def test_what_a_person_reads_can_be_written_in_any_code_page(tmp_path: Path, encoding: str) -> None:
    done = agent(tmp_path, "scan", "--only", "system", PYTHONUTF8="0", PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr
    assert "système" in done.stdout.decode(encoding) or "system" in done.stdout.decode(encoding)


@pytest.mark.skipif(not TICKET, reason="no collector was started on the Linux side")
def test_a_windows_machine_enrols_and_its_report_is_received(tmp_path: Path) -> None:
    enrolled = agent(tmp_path / "état", "enrol", "--ticket", TICKET, "--role", "care")
    assert enrolled.returncode == 0, enrolled.stderr.decode()
    assert b"BEGIN ENCRYPTED PRIVATE KEY" in (tmp_path / "état" / "identity.pem").read_bytes()
    sent = agent(tmp_path / "état", "run", "--now")
    assert sent.returncode == 0, sent.stderr.decode()
    status = agent(tmp_path / "état", "status", "--json")
    assert json.loads(status.stdout)["waiting"] == 0
