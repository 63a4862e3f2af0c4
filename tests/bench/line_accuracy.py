"""How true the measurement of a line is, on emulated lines whose truth is known, beside iperf3 and speedtest-cli.

`make bench-line` runs it as root on Linux: some half an hour; `--quick` some minutes. Each series begins with a UDP
flood: a line that does not let through what it should, packets that the emulator passed on late, or a host that keeps
the processors for itself make a run inconclusive, never a figure. Where namespaces are refused it says so, and measures
a paced test over loopback instead. `--write` puts the table into docs/line.md.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

from tests.bench.link.peers import iperf3, speedtest
from tests.bench.link.rig import CALIBRATION_ERROR, SERVER, TRIES, Link, Refused, Rig, said

RATES, DELAYS, LOSSES, RUNS = (2, 8, 20, 100), (5, 40), (0.0, 0.005), 3
CAP_BYTES = 16_000_000
DIRECTIONS = ("down", "up")
PAGE = Path(__file__).parents[2] / "docs" / "line.md"
T = TypeVar("T")
BEGIN, END = "<!-- bench-line: begin -->", "<!-- bench-line: end -->"


@dataclass
class Lab:
    """The rig with both of its ends, and what was asked and found so far."""

    rig: Rig
    folder: str
    far: subprocess.Popen[str]
    port: int
    mini: str
    demands: list[tuple[str, str, str]] = field(default_factory=list)
    """Number and demand, verdict, figures."""
    doubted: int = 0
    """How many runs left a doubt and count for nothing."""

    def order(self, agent: str = "one", **lease: Any) -> str:
        token = said(self.far, agent=agent, bytes=CAP_BYTES)["token"]
        return json.dumps({"agent": agent, "token": token, "port": self.port, "bytes": CAP_BYTES, **lease})

    def near(self, order: str) -> list[str]:
        return self.rig.command("client", sys.executable, "-m", "tests.bench.link.near_end", self.folder, order)

    def measure(self, **lease: Any) -> dict[str, Any]:
        done = subprocess.run(self.near(self.order(**lease)), capture_output=True, text=True, check=True, timeout=120)
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    def sure(self, link: Link, runs: int, **lease: Any) -> list[dict[str, Any]]:
        """Return the runs that say something of the line."""
        tried = (
            self.undoubted(replace(link, seed=1 + number), lambda: self.measure(**lease)) for number in range(runs)
        )
        return [told for told in tried if told is not None]

    def undoubted(self, link: Link, run: Callable[[], T]) -> T | None:
        """Return what a run over the line finds at the first try that leaves no doubt; None when every try does."""
        for attempt in range(TRIES):
            self.rig.set(replace(link, seed=link.seed + 100 * attempt))
            found = run()
            doubts = self.rig.doubts()
            if not doubts:
                return found
            self.doubted += 1
            print(f"  {link}: {doubts}", flush=True)
        return None

    def settled(self, link: Link) -> bool:
        """Return whether the line lets through what it should."""
        for _ in range(TRIES):
            self.rig.set(link)
            # A flood meets the losses too, by chance.
            if abs(self.rig.calibrate(link)) < CALIBRATION_ERROR + 2 * link.loss:
                return True
        return False

    def demand(self, what: str, found: list[Any], good: Callable[[Any], bool], figures: str) -> None:
        verdict = "inconclusive" if not found else "pass" if all(map(good, found)) else "fail"
        self.demands.append((what, verdict, figures))
        print(f"{what}: {verdict} ({figures})", flush=True)


@contextlib.contextmanager
def lab() -> Iterator[Lab]:
    with Rig() as rig, tempfile.TemporaryDirectory(prefix="prerequis-line-") as folder:
        far = rig.spawn("server", sys.executable, "-m", "tests.bench.link.far_end", folder)
        mini = rig.spawn("server", sys.executable, "-m", "tests.bench.link.mini", "serve")
        assert far.stdout is not None and mini.stdout is not None
        port = json.loads(far.stdout.readline())["port"]
        yield Lab(rig, folder, far, port, f"http://{SERVER}:{mini.stdout.readline().strip()}/speedtest/")


def percent(rate: float, truth: float) -> float:
    return 100 * (rate / truth - 1)


def shown(errors: list[float]) -> str:
    """Return the median and the extremes of some errors in percent."""
    if not errors:
        return "inconclusive"
    return f"{median(errors):+.1f} ({min(errors):+.1f}…{max(errors):+.1f})"


@dataclass
class Matrix:
    """What the runs over all lines say of demands 1 to 3, 7, 10 and 11."""

    errors: list[tuple[float, float]] = field(default_factory=list)
    """Median and largest error on a clean line, in percent."""
    volumes: list[tuple[float, float]] = field(default_factory=list)
    """Megabytes that a clean line took, and the most that it may."""
    uploads: list[tuple[float, float, float]] = field(default_factory=list)
    """Median error and largest of the first second, in percent; megabits per second."""
    lossy: list[tuple[float, bool]] = field(default_factory=list)
    """Median error in percent, and whether every run was said to be held back."""
    costs: list[tuple[float, float, bool]] = field(default_factory=list)
    """Seconds of processor, megabytes of memory, whether scapy was loaded."""
    beside: list[tuple[float, float]] = field(default_factory=list)
    """Median error and that of speedtest-cli, in percent."""

    def note(self, link: Link, way: str, found: list[dict[str, Any]], other: float | None) -> None:
        """Keep what the runs found one way; speedtest-cli's rate where it ran."""
        figures = [one["line"][way] for one in found]
        errors = [percent(one["bitsPerSecond"], link.truth) for one in figures]
        if errors and not link.loss:
            self.errors.append((abs(median(errors)), max(map(abs, errors))))
            limit = {2: 2.0, 8: 3.0, 20: 8.0}.get(int(link.megabits), 17.0)
            self.volumes.append((most_megabytes(figures), limit))
            if other is not None:
                self.beside.append((abs(median(errors)), abs(percent(other, link.truth))))
            if way == "up":
                first = [percent(one["firstSecondBitsPerSecond"], link.truth) for one in figures]
                self.uploads.append((abs(median(errors)), max(first), link.megabits))
        if errors and link.loss and link.megabits == 20 and link.rtt_ms == 40:
            self.lossy.append((median(errors), held_back(found)))

    def note_cost(self, found: list[dict[str, Any]]) -> None:
        """Keep what the runs cost; for ten seconds, as both ways of a slow line take longer."""
        self.costs += [(one["cpu"] * min(1.0, 10 / one["seconds"]), one["memory"] / 1e6, one["scapy"]) for one in found]

    def judge(self, lab: Lab, beside_peers: bool) -> None:
        """Hold what was kept against the demands."""
        lab.demand(
            "1. clean lines: median within 3 %, each run within 5 %", self.errors,
            lambda one: one[0] <= 3 and one[1] <= 5,
            f"worst median {worst(self.errors, 0):.1f} %, worst run {worst(self.errors, 1):.1f} %",
        )  # fmt: skip
        lab.demand(
            "2. at most 2, 3, 8, 17 MB at 2, 8, 20, 100 Mbit/s", self.volumes, lambda one: one[0] <= one[1],
            ", ".join(f"{volume:.1f}/{limit:g}" for volume, limit in self.volumes),
        )  # fmt: skip
        lab.demand(
            "3. uploads counted where they arrive: within 3 %, first second never over 5 % at 2 Mbit/s", self.uploads,
            lambda one: one[0] <= 3 and (one[2] > 2 or one[1] <= 5), f"worst {worst(self.uploads, 0):.1f} %",
        )  # fmt: skip
        lab.demand(
            "7. 20 Mbit/s, 40 ms, 0.5 % loss: said to be held back by loss, rate at least 80 % of the truth",
            self.lossy,
            lambda one: one[0] >= -20 and one[1], ", ".join(f"{one[0]:+.1f} %" for one in self.lossy),
        )  # fmt: skip
        lab.demand(
            "10. up to 20 Mbit/s at most 1 s of processor for 10 s, start included, under 60 MB, no scapy", self.costs,
            lambda one: one[0] <= 1 and one[1] < 60 and not one[2],
            f"at most {worst(self.costs, 0):.2f} s, {worst(self.costs, 1):.0f} MB",
        )  # fmt: skip
        if beside_peers:
            ours, theirs = (median([one[index] for one in self.beside]) if self.beside else 0.0 for index in (0, 1))
            lab.demand(
                "11. nearer to the truth than speedtest-cli on the same clean lines",
                [(ours, theirs)] if self.beside else [],
                lambda one: one[0] < one[1], f"median error {ours:.1f} % against {theirs:.1f} %",
            )  # fmt: skip


def worst(found: Sequence[tuple[float, ...]], index: int) -> float:
    """Return the largest of one figure; 0 of none."""
    return max((one[index] for one in found), default=0.0)


def most_megabytes(figures: list[dict[str, Any]]) -> float:
    return max((int(one["bytes"]) / 1e6 for one in figures), default=0.0)


def held_back(found: list[dict[str, Any]]) -> bool:
    """Return whether every run was said to be held back by loss."""
    return bool(found) and all("LOSS_LIMITED" in one["line"].get("flags", []) for one in found)


def row(link: Link, way: str, found: list[dict[str, Any]], reference: float | None, other: float | None) -> str:
    """Return what the table says of one way of a line; rates of iperf3 and speedtest-cli where they ran."""
    figures = [one["line"][way] for one in found]
    errors = [percent(one["bitsPerSecond"], link.truth) for one in figures]
    peers = (f"{percent(rate, link.truth):+.1f}" if rate else "–" for rate in (reference, other))
    return (
        f"| {link} | {way} | {shown(errors)}{' *' if held_back(found) else ''} | {most_megabytes(figures):.1f} | "
        f"{max((one['seconds'] for one in figures), default=0.0):.1f} | {' | '.join(peers)} |"
    )


def matrix(lab: Lab, links: list[Link], runs: int, peers: list[Link]) -> list[str]:
    """Return the table of errors, and judge demands 1 to 3, 7, 10 and 11 on it."""
    rows = ["| line | way | ours % | MB | s | iperf3 ×4 % | speedtest-cli % |", "|---|---|---|---|---|---|---|"]
    noted = Matrix()
    for link in links:
        if not lab.settled(link):
            rows.append(f"| {link} | | inconclusive: the line is not what it should be | | | | |")
            print(rows[-1], flush=True)
            continue
        found = lab.sure(link, runs, method="CAPACITY")
        lab.rig.set(link)
        compared = link in peers
        others = (speedtest(lab.rig, lab.mini) if compared else None) or {}
        for way in DIRECTIONS:
            reference = iperf3(lab.rig, way) if compared else None
            rows.append(row(link, way, found, reference, others.get(way)))
            print(rows[-1], flush=True)
            noted.note(link, way, found, others.get(way))
        if link.megabits <= 20:
            noted.note_cost(found)
    noted.judge(lab, beside_peers=bool(peers))
    return rows


def token_bucket(lab: Lab, runs: int) -> None:
    link = Link(8, 40, bucket_bytes=2_000_000)
    found = lab.sure(link, runs, method="CAPACITY")
    errors = [percent(one["line"][way]["bitsPerSecond"], link.truth) for one in found for way in ("down",)]
    flagged = all("TOKEN_BUCKET" in one["line"].get("flags", []) for one in found)
    lab.demand(
        "4. a bucket of 2 MB on 8 Mbit/s: sustained rate within 3 %, and said to be", errors,
        lambda error: abs(error) <= 3 and flagged, f"{shown(errors)} %",
    )  # fmt: skip


def loaded_latency(lab: Lab, runs: int) -> None:
    link = Link(8, 40, queue_ms=100)
    found = lab.sure(link, runs, method="CAPACITY")
    p95 = [1000 * one["line"][way]["loaded"]["p95Seconds"] for one in found for way in DIRECTIONS]
    idle = [1000 * one["line"]["rttSeconds"] for one in found]
    lab.demand(
        "5. 8 Mbit/s, 40 ms, queue of 100 ms: idle median within 2 ms, loaded 95th percentile within 10 ms of 140",
        [*zip(idle, p95[::2], p95[1::2], strict=True)],
        lambda one: abs(one[0] - 40) <= 2 and abs(one[1] - 140) <= 10 and abs(one[2] - 140) <= 10,
        f"idle {shown([one - 40 for one in idle])} ms, loaded {shown([one - 140 for one in p95])} ms",
    )  # fmt: skip


def loss_interval(lab: Lab, seeds: int) -> None:
    found = []
    for seed in range(1, seeds + 1):
        told = lab.undoubted(Link(20, 30, 0.01, seed=seed), lambda: lab.measure(method="LATENCY"))
        if told is not None:
            loss = told["line"]["loss"]
            found.append(loss.get("low", 0.0) <= 0.0199 <= loss["high"])
    lab.demand(
        "6. 1 % loss each way: the interval holds 1.99 % for 9 seeds of 10", [found] if found else [],
        lambda each: sum(each) >= 0.9 * len(each) - 1e-9, f"{sum(found)} of {len(found)}",
    )  # fmt: skip


def two_agents(lab: Lab) -> None:
    """Without leases, which the storm of leases tries: both must see that something is wrong."""

    def together() -> list[dict[str, Any]]:
        orders = [lab.order(agent=agent, method="CAPACITY") for agent in ("one", "two")]
        both = [subprocess.Popen(lab.near(order), stdout=subprocess.PIPE, text=True) for order in orders]
        return [json.loads(one.communicate(timeout=120)[0])["line"] for one in both]

    told = lab.undoubted(Link(8, 40), together) or []
    rates = [one["down"]["bitsPerSecond"] / 1e6 for one in told]
    lab.demand(
        "8. two agents at once, without leases: neither is sure of its figure", told,
        lambda one: one["confidence"] != "HIGH", " + ".join(f"{rate:.2f}" for rate in rates) + " Mbit/s",
    )  # fmt: skip


def bystander(lab: Lab) -> None:
    link = Link(20, 40, queue_ms=200)
    found = lab.sure(link, 2, method="SUFFICIENCY", user=2e6, target=16e6)
    rise = [
        1000 * (one["line"][way]["loaded"]["medianSeconds"] - one["line"]["rttSeconds"])
        for one in found
        for way in DIRECTIONS
    ]
    lab.demand(
        "9. a sufficiency test at 80 % of the line: round trips rise by less than 10 ms", rise, lambda one: one < 10,
        f"{shown(rise)} ms",
    )  # fmt: skip


def threshold(lab: Lab, runs: int) -> None:
    """The verdict at ten percent on both sides of what the users need."""
    found = []
    for users in (1, 4, 10):
        for share, wanted in ((0.9, "REFUTED"), (1.1, "PROVEN")):
            demand = users * 2e6
            link = Link(demand * share * 1514 / 1448 / 1e6, 40)
            for one in lab.sure(link, runs, method="SUFFICIENCY", user=2e6, target=1.25 * demand):
                found += [one["line"][way]["stop"] == wanted for way in DIRECTIONS]
    lab.demand(
        "The verdict on 1, 4 and 10 users is right at ± 10 % of the threshold", found, bool,
        f"{sum(found)} of {len(found)}",
    )  # fmt: skip


def page(lab: Lab, rows: list[str], arguments: argparse.Namespace, seconds: float) -> str:
    given = {"quick": arguments.quick, "short": arguments.short, "few-peers": arguments.few_peers}
    option = "".join(f" --{name}" for name, is_given in given.items() if is_given)
    lines = [
        BEGIN,
        "",
        f"Written by `make bench-line`{option} on {time.strftime('%Y-%m-%d')}: Linux "
        f"{os.uname().release}, {os.cpu_count()} processors, load {os.getloadavg()[2]:.1f}, cubic, {arguments.runs} "
        f"run(s) a line, iperf3 and speedtest-cli one; {seconds / 60:.0f} minutes, {lab.doubted} run(s) in doubt. "
        "Errors in percent of rate × 1448/1514: median (least…most). *: every run was said to be held back by loss.",
        "",
        *rows,
        "",
        "| demand | verdict | figures |",
        "|---|---|---|",
        *(f"| {what} | {verdict} | {figures} |" for what, verdict, figures in lab.demands),
        "",
        END,
    ]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few lines, one run")
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--short", action="store_true", help="two runs, five seeds, the others on clean lines of 40 ms")
    parser.add_argument("--few-peers", action="store_true", help="the others on clean lines of 40 ms only")
    parser.add_argument("--no-peers", action="store_true", help="leave iperf3 and speedtest-cli out")
    parser.add_argument("--write", action="store_true", help="put the table into docs/line.md")
    arguments = parser.parse_args()
    links = [Link(rate, delay, loss) for rate in RATES for delay in DELAYS for loss in LOSSES]
    if arguments.quick:
        arguments.runs, links = 1, [Link(8, 40), Link(20, 40, 0.005)]
    peers = links
    if arguments.short:
        arguments.runs = 2
    if arguments.short or arguments.few_peers:
        peers = [link for link in links if link.rtt_ms == 40 and not link.loss]
    if arguments.no_peers:
        peers = []
    started = time.monotonic()
    try:
        with lab() as one:
            rows = matrix(one, links, arguments.runs, peers)
            token_bucket(one, arguments.runs)
            loaded_latency(one, arguments.runs)
            loss_interval(one, 2 if arguments.quick else 5 if arguments.short else 10)
            two_agents(one)
            bystander(one)
            threshold(one, 1 if arguments.quick or arguments.short else 2)
            written = page(one, rows, arguments, time.monotonic() - started)
    except Refused as reason:
        print(f"Namespaces are refused here ({reason}): measuring a paced loopback instead.")
        here = Path(__file__).parents[1] / "agent" / "test_line.py"
        return subprocess.run([sys.executable, "-m", "pytest", "-q", str(here)], check=False).returncode
    if arguments.write:
        text = PAGE.read_text()
        before, rest = text.split(BEGIN, 1)
        PAGE.write_text(before + written + rest.split(END, 1)[1])
    print(written)
    return 1 if any(verdict == "fail" for _, verdict, _ in one.demands) else 0


if __name__ == "__main__":
    sys.exit(main())
