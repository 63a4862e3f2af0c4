"""One measurement on an emulated line whose truth is known, in network namespaces; `make bench-line` tries many."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.bench.link.rig import CALIBRATION_ERROR, Link, Refused, Rig, permitted, said

LINK = Link(6, 20)
NEED = 4e6


@pytest.mark.skipif(bool(permitted()), reason=f"network namespaces are refused here: {permitted()}")
def test_a_line_that_suffices_is_proven_to_and_its_rate_is_the_true_one(tmp_path: Path) -> None:
    try:
        with Rig() as rig:
            rig.set(LINK)
            error = rig.calibrate(LINK)
            if abs(error) > 2 * CALIBRATION_ERROR:
                pytest.skip(f"the emulated line lets through {error:+.1%} of what it should: this machine is too busy")
            far = rig.spawn("server", sys.executable, "-m", "tests.bench.link.far_end", str(tmp_path))
            assert far.stdout is not None
            port = json.loads(far.stdout.readline())["port"]
            token = said(far, agent="one", bytes=16_000_000)["token"]
            order = {
                "agent": "one", "token": token, "port": port, "bytes": 16_000_000, "method": "SUFFICIENCY",
                "user": 2e6, "target": 1.25 * NEED,
            }  # fmt: skip
            command = rig.command(
                "client", sys.executable, "-m", "tests.bench.link.near_end", str(tmp_path), json.dumps(order)
            )
            told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
            doubts = rig.doubts()
    except Refused as reason:
        pytest.skip(f"network namespaces are refused here: {reason}")
    if doubts:
        pytest.skip(f"this machine is too busy to emulate a line: {doubts}")
    found = json.loads(told.stdout)
    line = found["line"]
    assert not found["scapy"]
    assert 1000 * line["rttSeconds"] == pytest.approx(20, abs=5)
    for way in ("down", "up"):
        assert line[way]["stop"] == "PROVEN"
        # Paced at 5 Mbit/s; a busy machine sends late bytes at once, as fast as the line lets them through.
        assert NEED <= line[way]["bitsPerSecond"] <= 5.8e6
        # A quarter over the need leaves the line's queue empty: who works beside it feels nothing.
        assert 1000 * line[way]["loaded"]["medianSeconds"] < 35


@pytest.mark.skipif(bool(permitted()), reason=f"network namespaces are refused here: {permitted()}")
def test_a_rig_that_is_told_to_end_leaves_no_namespace_behind() -> None:
    holding = "from tests.bench.link.rig import Rig\nwith Rig():\n    print('up', flush=True)\n    input()\n"
    with subprocess.Popen(
        [sys.executable, "-c", holding],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as rig:
        assert rig.stdout is not None and rig.stderr is not None
        if rig.stdout.readline() != "up\n":
            pytest.skip(f"network namespaces are refused here: {rig.stderr.read()}")
        rig.terminate()
        assert rig.wait(120) == 128 + signal.SIGTERM
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    assert f"pq{rig.pid}" not in listed
