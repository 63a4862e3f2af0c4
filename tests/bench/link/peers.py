"""What iperf3 and speedtest-cli find over the same line."""

import json
import subprocess
import sys

from tests.bench.link.rig import SERVER, Rig


def iperf3(rig: Rig, direction: str) -> float | None:
    """Return the rate that iperf3 receives, or None where it gives none: it sometimes waits for its server for ever."""
    # One server for one test: a test that hangs would keep the next from beginning.
    server = rig.spawn("server", "iperf3", "-s", "-1", "--forceflush")
    assert server.stdout is not None
    while "listening" not in server.stdout.readline():
        if server.poll() is not None:
            return None
    argv = ["iperf3", "-c", SERVER, "-J", "-t", "4", "-O", "2", "-P", "4", *(["-R"] if direction == "down" else [])]
    try:
        done = subprocess.run(rig.command("client", *argv), capture_output=True, text=True, check=False, timeout=30)
    except subprocess.TimeoutExpired:
        return None
    finally:
        server.terminate()
        server.wait()
    told = json.loads(done.stdout)
    return float(told["end"]["sum_received"]["bits_per_second"]) if told.get("end") else None


def speedtest(rig: Rig, url: str) -> dict[str, float] | None:
    """Return the rates that speedtest-cli tells of each way, or None where it tells none."""
    argv = [sys.executable, "-m", "tests.bench.link.mini", "measure", url]
    done = subprocess.run(rig.command("client", *argv), capture_output=True, text=True, check=False, timeout=180)
    try:
        told: dict[str, float] = json.loads(done.stdout)
    except ValueError:
        return None
    return told
