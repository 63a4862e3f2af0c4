"""A workstation made from the image of another: two machines that come with the same folder, and the same key."""

import json
import os
import shutil
from pathlib import Path

import pytest
from tests.end_to_end.installation import FINESS, Installation

from prerequis.command_line import ExitCode

MACHINE_ID = Path("/etc/machine-id")


def _on_another_machine(identifier: Path) -> tuple[str, ...]:
    """Return what runs a command where the system has this machine id and another name."""
    script = f'mount --bind "{identifier}" {MACHINE_ID} && hostname copie && exec "$@"'
    return ("unshare", "--mount", "--uts", "sh", "-c", script, "sh")


@pytest.mark.skipif(os.geteuid() != 0, reason="a mount namespace needs root")
@pytest.mark.skipif(not MACHINE_ID.is_file(), reason="this system has no /etc/machine-id to stand in for")
def test_two_machines_with_one_folder_are_both_seen_and_the_one_that_is_kept_goes_on(
    installation: Installation, tmp_path: Path
) -> None:
    installation.enrol()
    identifier = tmp_path / "machine-id"
    identifier.write_text(f"{'0123456789abcdef' * 2}\n")
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    elsewhere = _on_another_machine(identifier)
    assert installation.agent("run", "--now", "--no-line").returncode == ExitCode.DONE
    second = installation.agent("run", "--now", "--no-line", machine="two", prefix=elsewhere)
    assert second.returncode == ExitCode.DONE, second.stderr

    rows = json.loads(installation.collector("agent", "list", "--json").stdout)["agents"]
    assert [row["quarantined"] for row in rows] == [True, True]
    (copy,) = (row for row in rows if row["copyOf"])
    (original,) = (row for row in rows if row["id"] == copy["copyOf"])
    assert copy["hostname"] == "copie"
    assert copy["hostname"] != original["hostname"]
    site = installation.review("site", FINESS)
    verdicts = {
        one["verdict"] for framework in site["frameworks"] for one in framework["verdicts"]
        if one["scope"] == "workstation"
    }  # fmt: skip
    assert verdicts <= {"UNKNOWN", "NOT_APPLICABLE"}

    kept = installation.collector("agent", "keep", original["id"], original["machine"])
    assert kept.returncode == ExitCode.DONE, kept.stderr
    refused = installation.agent("run", "--now", "--no-line", machine="two", prefix=elsewhere)
    assert refused.returncode == ExitCode.REFUSED
    assert "l'enrôler avec un nouveau ticket" in refused.stderr
    measured = installation.agent("measure", machine="two", prefix=elsewhere)
    assert "l'enrôler avec un nouveau ticket" in measured.stdout + measured.stderr
    assert installation.agent("run", "--now", "--no-line").returncode == ExitCode.DONE
    ticket = installation.ticket("again.toml")
    again = installation.agent("enrol", "--ticket", str(ticket), machine="two", prefix=elsewhere)
    assert again.returncode == ExitCode.DONE, again.stderr
    assert installation.agent("run", "--now", "--no-line", machine="two", prefix=elsewhere).returncode == ExitCode.DONE
    rows = json.loads(installation.collector("agent", "list", "--json").stdout)["agents"]
    assert sorted(row["hostname"] for row in rows if not row["revoked"]) == sorted(["copie", original["hostname"]])
    assert not any(row["quarantined"] for row in rows)
