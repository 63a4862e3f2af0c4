"""Reports as real machines hand them in: what the probes say of a whole machine of tests/fixtures/hosts, 2.3 to 2.7 kB.

The same for the same seed; no two are alike, for a scan takes another time each day and disks fill.
"""

import json
import random
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf import json_format

from prerequis.v1.report_pb2 import ProbeRun, Report, Workstation

_WHOLE = Path(__file__).resolve().parents[1] / "fixtures" / "hosts" / "whole"
SEED = 20261122


class Machines:
    """Draws reports."""

    def __init__(self, seed: int = SEED) -> None:
        self._draw = random.Random(seed)  # noqa: S311 – a draw that can be repeated, not a secret

    def report(self, place: int, at: datetime) -> Report:
        """Return what the machine of this place says at this moment."""
        known = _known()
        report = Report()
        report.CopyFrom(known[place % len(known)])
        report.workstation.hostname = f"PC-{place}"
        report.collected_at.FromDatetime(at)
        report.facts.machine.system_volume_free_bytes = self._draw.randrange(2**38)
        for run in report.probes:
            run.wall_seconds, run.cpu_seconds = self._draw.uniform(0, 0.5), self._draw.uniform(0, 0.2)
        return report


@cache
def _known() -> Sequence[Report]:
    return [_seen(json.loads(path.read_text(encoding="utf-8"))) for path in sorted(_WHOLE.glob("*.json"))]


def _seen(said: dict[str, dict[str, Any]]) -> Report:
    report = Report(agent_version="0.1.0", workstation=Workstation(role=Workstation.CARE))
    for probe, answer in said.items():
        run = report.probes.add(name=probe)
        if "facts" in answer:
            run.outcome = ProbeRun.FOUND
            json_format.ParseDict(answer["facts"], getattr(report.facts, probe))
        else:
            run.outcome, run.detail = ProbeRun.UNSUPPORTED, str(answer["detail"])
    return report
