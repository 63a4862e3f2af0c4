"""What a full scan costs, beside the inventories and audits that Debian packages, in one run of one command.

`make bench` runs it as root on Linux, without the line test. Processor seconds are those of the whole process tree, as
the kernel counts them; memory is the peak of the tree's proportional set size (what is shared counts once), sampled in
a run of its own so that sampling disturbs no time. A tool that is not installed is left out and named.
"""

import argparse
import gzip
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from google.protobuf import json_format

from prerequis.v1.report_pb2 import Report

BUSY_LOAD = 2.5
"""Above this load average the figures say more of the machine than of the tools."""

SAMPLE_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Figures:
    """One tool's cost: medians of its runs."""

    cpu_seconds: float
    wall_seconds: float
    memory_bytes: int
    output_bytes: int
    """What it would send, compressed."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One command, given a folder to write into, and how large its compressed result is."""

    name: str
    command: Callable[[Path], list[str]]
    size: Callable[[Path, bytes], int]
    runs: int


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure and the most that it may be."""

    name: str
    value: float
    most: float
    unit: str


def agent(*arguments: str) -> list[str]:
    """Return the agent's installed command."""
    return [str(Path(sys.executable).parent / "prerequis-agent"), *arguments]


def _report_size(folder: Path, stdout: bytes) -> int:
    report = json_format.Parse(stdout, Report())
    return len(zlib.compress(report.SerializeToString()))


def _files_size(folder: Path, stdout: bytes) -> int:
    return sum(len(gzip.compress(path.read_bytes())) for path in folder.rglob("*") if path.is_file())


def _inventory(folder: Path) -> list[str]:
    return ["fusioninventory-agent", f"--local={folder}", "--tasks=inventory", "--force", "--no-httpd"]


def _audit(folder: Path) -> list[str]:
    options = ["--quick", "--no-colors", "--quiet"]
    files = [f"--report-file={folder}/report.dat", f"--logfile={folder}/lynis.log"]
    return ["lynis", "audit", "system", *options, *(word for file in files for word in file.split("="))]


def _audit_size(folder: Path, stdout: bytes) -> int:
    return len(gzip.compress((folder / "report.dat").read_bytes()))


TOOLS = (
    Tool(
        "prerequis-agent",
        lambda folder: agent("--state", str(folder / "state"), "scan", "--json", "--no-line"),
        _report_size,
        runs=7,
    ),
    Tool("fusioninventory-agent", _inventory, _files_size, runs=7),
    Tool("lynis", _audit, _audit_size, runs=1),
)


def measure(tool: Tool) -> Figures:
    """Return what the tool costs; raises CalledProcessError when it fails."""
    spent: list[tuple[float, float, int]] = []
    for _ in range(tool.runs):
        with tempfile.TemporaryDirectory() as folder:
            wall, cpu, stdout = timed(tool.command(Path(folder)))
            spent.append((cpu, wall, tool.size(Path(folder), stdout)))
    with tempfile.TemporaryDirectory() as folder:
        memory = peak_memory(tool.command(Path(folder)))
    cpus, walls, sizes = zip(*spent, strict=True)
    return Figures(statistics.median(cpus), statistics.median(walls), memory, int(statistics.median(sizes)))


def timed(command: list[str]) -> tuple[float, float, bytes]:
    """Return the wall seconds, the processor seconds of the tree, and the output."""
    started = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - started
        output.seek(0)
        stdout = output.read()
    # Lynis ends with a code of its own when it has suggestions.
    if process.returncode and command[0] != "lynis":
        raise subprocess.CalledProcessError(process.returncode, command, stdout)
    return wall, usage.ru_utime + usage.ru_stime, stdout


def peak_memory(command: list[str]) -> int:
    """Return the largest sum of the proportional set sizes of the command and its descendants, in bytes."""
    peak = 0
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        time.sleep(SAMPLE_SECONDS)
        peak = max(peak, sum(_proportional(pid) for pid in _tree(process.pid)))
    return peak


def _tree(pid: int) -> list[int]:
    found = [pid]
    for one in found:
        try:
            threads = list(Path(f"/proc/{one}/task").iterdir())
            found += [int(child) for thread in threads for child in (thread / "children").read_text().split()]
        except OSError:  # it has just ended
            continue
    return found


def _proportional(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def goals(figures: dict[str, Figures], version_seconds: float) -> list[Goal]:
    """Return each figure that the project promises, beside its limit."""
    ours = figures["prerequis-agent"]
    wanted = [
        Goal("peak memory of the tree", ours.memory_bytes / 1e6, 60, "MB"),
        Goal("wall", ours.wall_seconds, 2, "s"),
        Goal("--version, wall", version_seconds, 0.15, "s"),
        Goal("report, compressed", ours.output_bytes / 1e3, 3, "kB"),
    ]
    if theirs := figures.get("fusioninventory-agent"):
        wanted.insert(0, Goal("CPU against FusionInventory", ours.cpu_seconds / theirs.cpu_seconds, 0.8, "×"))
    return wanted


def main() -> int:
    """Measure, print, and return 1 when a goal is missed or the machine is too busy for the figures to be valid."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--without", action="append", default=[], metavar="TOOL", help="leave a tool out (lynis: 80 s)")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    chosen = [tool for tool in TOOLS if tool.name not in options.without]
    absent = [tool.name for tool in chosen if tool.name != "prerequis-agent" and not shutil.which(tool.name)]
    figures = {tool.name: measure(tool) for tool in chosen if tool.name not in absent}
    version = statistics.median(timed(agent("--version"))[0] for _ in range(9))
    results = goals(figures, version)
    missed = [goal.name for goal in results if goal.value > goal.most]
    valid = load <= BUSY_LOAD and os.geteuid() == 0
    if options.json:
        document = {
            "valid": valid, "load": load, "absent": absent,
            "tools": {name: asdict(each) for name, each in figures.items()},
            "goals": [asdict(goal) for goal in results], "missed": missed,
        }  # fmt: skip
        print(json.dumps(document, indent=2))
    else:
        _print(figures, results, absent)
        if not valid:
            root = "" if os.geteuid() == 0 else ", not root"
            print(f"invalid: load {load:.1f} (at most {BUSY_LOAD}){root}")
    return int(bool(missed) or not valid)


def _print(figures: dict[str, Figures], results: list[Goal], absent: list[str]) -> None:
    print(f"{'tool':<24}{'CPU s':>8}{'wall s':>8}{'peak MB':>9}{'sent kB':>9}")
    for name, one in figures.items():
        memory, sent = one.memory_bytes / 1e6, one.output_bytes / 1e3
        print(f"{name:<24}{one.cpu_seconds:>8.2f}{one.wall_seconds:>8.2f}{memory:>9.1f}{sent:>9.1f}")
    for name in absent:
        print(f"{name:<24} not installed: apt-get install {name}")
    for goal in results:
        mark = "ok" if goal.value <= goal.most else "MISSED"
        print(f"{mark:<7}{goal.name}: {goal.value:.2f} {goal.unit} (at most {goal.most:g})")


if __name__ == "__main__":
    sys.exit(main())
