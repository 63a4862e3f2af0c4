"""A whole installation in a folder: what tests look at runs as its users run it, as processes on loopback."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prerequis_collector import __main__ as collector_program

PROGRAMS = Path(sys.executable).parent
FINESS = "990000010"


@dataclass
class Installation:
    """One collector with one site, and the machines that a test enrols there."""

    folder: Path
    server: subprocess.Popen[bytes] | None = None
    listen: tuple[str, str] = ("127.0.0.1:0", "127.0.0.1:0")

    @property
    def data(self) -> Path:
        return self.folder / "collector"

    def run(self, program: str, *arguments: str, prefix: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        """Return the ended process, its two streams apart."""
        environment = {**os.environ, "PREREQUIS_CREDENTIAL": str(self.folder / "operator.toml"), "COLUMNS": "100"}
        command = [*prefix, str(PROGRAMS / program), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=False)

    def prepare(self, *arguments: str) -> None:
        """Run a command of the collector that no test looks at; in this process, where it is loaded already."""
        assert collector_program.main(["--data", str(self.data), *arguments]) == 0

    def collector(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run("prerequis-collector", "--data", str(self.data), *arguments)

    def agent(
        self, *arguments: str, machine: str = "one", prefix: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        return self.run("prerequis-agent", "--state", str(self.folder / machine), *arguments, prefix=prefix)

    def review(self, *arguments: str) -> Any:
        """Return what `prerequis … --json` printed; fails unless it ended well and printed one document."""
        done = self.run("prerequis", *arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def start(self) -> None:
        """Serve, on the same addresses as before when there was a before."""
        listening = self.data / "listening.json"
        listening.unlink(missing_ok=True)
        command = [str(PROGRAMS / "prerequis-collector"), "--data", str(self.data), "serve"]
        with (self.folder / "collector.log").open("a") as log:
            self.server = subprocess.Popen(
                [*command, "--listen", self.listen[0], "--measure-listen", self.listen[1]], stdout=log, stderr=log
            )
        ends = time.monotonic() + 120
        while not listening.exists():
            assert self.server.poll() is None, (self.folder / "collector.log").read_text()
            assert time.monotonic() < ends, "the collector does not listen"
            time.sleep(0.05)
        where = json.loads(listening.read_text())
        self.listen = (where["listen"], where["measure"])

    def stop(self, how: int = signal.SIGTERM) -> int:
        """Return the collector's exit status."""
        assert self.server is not None
        self.server.send_signal(how)
        status = self.server.wait(60)
        self.server = None
        return status

    def ticket(self, name: str = "ticket.toml", *options: str) -> Path:
        path = self.folder / name
        self.prepare("ticket", "create", "--site", FINESS, "--out", str(path), *options)
        return path

    def enrol(self, machine: str = "one", role: str = "care") -> None:
        ticket = self.ticket(f"ticket-{machine}.toml")
        done = self.agent("enrol", "--ticket", str(ticket), "--role", role, machine=machine)
        assert done.returncode == 0, done.stderr


def waiting(installation: Installation, machine: str = "one") -> int:
    """Return how many reports wait on a machine."""
    return sum(
        1 for path in (installation.folder / machine / "spool").iterdir() if path.is_file() and path.suffix != ".tmp"
    )
