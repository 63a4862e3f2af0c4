"""Runs a command, the Windows tests, beside a real collector on Linux, and asks that collector what it was sent.

`python -m tests.agent.windows.linux_side COMMAND…`; the command finds a ticket at $PREREQUIS_TICKET.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.end_to_end.installation import FINESS, Installation


def main(command: list[str]) -> int:
    """Return the command's exit status, or 1 when it succeeded and its report never arrived."""
    with tempfile.TemporaryDirectory() as folder:
        installation = Installation(Path(folder))
        for arguments in (
            ("init", "--name", "localhost", "--name", "127.0.0.1"),
            ("site", "add", FINESS, "--name", "Site d'essai", "--professionals", "1", "--workstations", "1"),
        ):
            _done(installation.collector(*arguments))
        installation.start()
        try:
            # Now that the collector's port is known.
            credential = str(installation.folder / "operator.toml")
            _done(installation.collector("operator", "create", "essai", "--role", "dsi", "--out", credential))
            environment = {**os.environ, "PREREQUIS_TICKET": str(installation.ticket())}
            status = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, env=environment).returncode
            seen = installation.review("sites")["sites"][0]["workstations"]
        finally:
            installation.stop()
    # Options of pytest stand behind the folder of the tests, and may well leave out the one that enrols.
    if status == 0 and seen != 1 and command[-1] == "tests/agent":
        sys.stderr.write(f"Le collecteur connaît {seen} poste au lieu d'un.\n")
        return 1
    return status


def _done(process: subprocess.CompletedProcess[str]) -> None:
    assert process.returncode == 0, process.stderr


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
