"""A collector as a process of its own."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from prerequis_collector.config import Address


def run(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Return the ended command, its streams apart."""
    command = [sys.executable, "-m", "prerequis_collector", "--data", str(data), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@dataclass(frozen=True)
class Served:
    """A collector that serves."""

    process: subprocess.Popen[str]
    listen: Address
    enrolment: Address


@contextmanager
def served(data: Path) -> Iterator[Served]:
    """Give a collector that listens; whatever happens, its process ends."""
    noted = data / "listening.json"
    noted.unlink(missing_ok=True)
    command = [sys.executable, "-m", "prerequis_collector", "--data", str(data), "serve", "--listen", "127.0.0.1:0"]
    with (data / "log").open("a") as log, subprocess.Popen(command, stderr=log, text=True) as process:
        try:
            ends = time.monotonic() + 30
            while not noted.exists():
                assert process.poll() is None, (data / "log").read_text()
                assert time.monotonic() < ends
                time.sleep(0.05)
            where = json.loads(noted.read_text())
            yield Served(process, *(Address.parse(where[key]) for key in ("listen", "enrolment")))
        finally:
            process.kill()
