"""When a run that nobody watches looks at the machine: once a day, on mains power, at a moment drawn by lot.

The system's timer may start the agent as often as it likes (every hour, at logon): what is not due ends at once.
"""

import json
import random
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from prerequis_agent import durable

INTERVAL = timedelta(hours=20)
"""Between two runs; less than a day, so that a machine that is switched on a little earlier is not left out."""

WINDOW = timedelta(hours=1)
"""Within which a run draws its moment."""

QUIET_MINUTES = 5
"""Before and after each full hour, when everybody else's timers strike."""


@dataclass(frozen=True, slots=True)
class LastRun:
    """What is remembered of the last run."""

    ended_at: datetime
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    memory_bytes: int = 0

    def keep(self, path: Path) -> None:
        """Write it; raises OSError."""
        durable.write(path, json.dumps(asdict(self) | {"ended_at": self.ended_at.isoformat()}).encode())


def last_run(path: Path) -> LastRun | None:
    """Return what was kept; None when there was none or its file is damaged."""
    try:
        content = json.loads(path.read_bytes())
        return LastRun(
            datetime.fromisoformat(content["ended_at"]).astimezone(UTC),
            float(content["wall_seconds"]),
            float(content["cpu_seconds"]),
            int(content["memory_bytes"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_due(last: LastRun | None, now: datetime) -> bool:
    """Return whether a day has gone by; a last run in the future is that of a clock since set right."""
    return last is None or not timedelta() <= now - last.ended_at < INTERVAL


def moment(now: datetime, lot: random.Random) -> datetime:
    """Return a moment within the next hour, never in the minutes around a full hour; all others are as likely."""
    while True:
        at = now + lot.uniform(0, 1) * WINDOW
        if QUIET_MINUTES <= at.minute < 60 - QUIET_MINUTES:
            return at


def on_battery() -> bool:
    """Return whether the machine runs on its battery; False where it has none or does not say."""
    import psutil

    # psutil has no such function on a system where it cannot know.
    battery = psutil.sensors_battery() if hasattr(psutil, "sensors_battery") else None
    return battery is not None and battery.power_plugged is False
