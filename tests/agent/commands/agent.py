"""The agent as its users run it: a process, its exit code, and what goes to which stream."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.agent.tiny_collector import TinyCollector

from prerequis.command_line import ExitCode

# The command on a machine without any of the programs that probes run: some take seconds, and have tests of their own.
# A line is measured at once, however busy this machine is with other tests.
BARE = """
import sys
from prerequis_agent import __main__, host
from prerequis_agent.line import conditions
host.DIRECTORIES = ()
conditions.PATIENCE_SECONDS = 0.0
sys.exit(__main__.main())
"""
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


def one_sentence(done: subprocess.CompletedProcess[str]) -> str:
    """Return what a failed command said: one line on stderr, nothing on stdout."""
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    return done.stderr
