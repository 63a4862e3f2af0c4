"""What looking at readers and cards costs, with a real PC/SC service and two virtual cards: wall and CPU seconds.

Run as root, with pcscd and vsmartcard-vpcd installed: python -m tests.bench.smartcard_cost
The bar of the probe: 0.25 s of wall time and 0.15 s of CPU time.
"""

import json
import statistics
import subprocess
import sys
from pathlib import Path

from tests.agent.pcscd import pcscd, the_only_pcscd
from tests.agent.probes.virtual_card import PORTS, VirtualCard

RUNS = 20
ATRS = ("3B9B188001001225006480040100009044", "3B751300004509EA9000")


def measure() -> list[tuple[float, float]]:
    """Return the wall and CPU seconds of the probe in each of several scans, as its reports tell them."""
    agent = str(Path(sys.executable).with_name("prerequis-agent"))
    figures = []
    for _ in range(RUNS):
        done = subprocess.run([agent, "scan", "--json", "--only", "smartcard"], capture_output=True, check=True)
        report = json.loads(done.stdout)
        cards = [reader for reader in report["facts"]["smartcard"]["readers"] if reader["cardPresent"]]
        assert len(cards) == len(ATRS), "the cards were not seen"
        figures.append((report["probes"][0]["wallSeconds"], report["probes"][0]["cpuSeconds"]))
    return figures


def main() -> None:
    with the_only_pcscd(), pcscd():
        cards = [VirtualCard(bytes.fromhex(atr), port) for atr, port in zip(ATRS, PORTS, strict=True)]
        subprocess.run(["sleep", "2"], check=True)
        for name, values in zip(("wall", "cpu"), zip(*measure(), strict=True), strict=True):
            print(f"{name:4}  median {statistics.median(values):.3f} s  worst {max(values):.3f} s  ({RUNS} scans)")
        for card in cards:
            assert card.apdus == []
            card.eject()


if __name__ == "__main__":
    main()
