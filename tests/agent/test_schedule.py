"""When a run that nobody watches takes place."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from prerequis_agent import schedule
from prerequis_agent.schedule import LastRun

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@given(
    st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2030, 1, 1), timezones=st.just(UTC)),
    st.integers(0, 2**32),
)
def test_no_run_falls_in_the_minutes_around_a_full_hour(now: datetime, seed: int) -> None:
    at = schedule.moment(now, random.Random(seed))  # noqa: S311 – any lot will do
    assert now <= at <= now + schedule.WINDOW
    assert 5 <= at.minute < 55


def test_machines_switched_on_together_do_not_report_together() -> None:
    """peers.md §3 row 12: a storm after an outage."""
    lot = random.Random(1)  # noqa: S311 – the same lot in every run of the test
    minutes = Counter(schedule.moment(NOON, lot).minute for _ in range(5000))
    assert len(minutes) == 50
    assert max(minutes.values()) < 3 * min(minutes.values())


def test_a_run_is_due_once_a_day() -> None:
    assert schedule.is_due(None, NOON)
    assert not schedule.is_due(LastRun(NOON - timedelta(hours=1)), NOON)
    assert schedule.is_due(LastRun(NOON - timedelta(hours=23)), NOON)


def test_a_clock_that_was_ahead_does_not_put_runs_off_for_ever() -> None:
    assert schedule.is_due(LastRun(NOON + timedelta(days=400)), NOON)


def test_what_is_remembered_of_a_run_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "last-run.json"
    assert schedule.last_run(path) is None
    LastRun(NOON, 0.5, 0.25, 40_000_000).keep(path)
    assert schedule.last_run(path) == LastRun(NOON, 0.5, 0.25, 40_000_000)
    path.write_text('{"ended_at": 3}')
    assert schedule.last_run(path) is None
