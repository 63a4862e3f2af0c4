"""When in its day a site's line is measured, and by whom."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerequis_collector.services import line_clock
from prerequis_collector.services.line_clock import MACHINES

MONDAY = date(2026, 11, 23)
DAYS = st.dates(date(2026, 1, 1), date(2030, 12, 31))
FINESS = st.from_regex(r"[0-9][0-9AB][0-9]{7}", fullmatch=True)


@given(FINESS, DAYS, st.integers(0, MACHINES - 1))
def test_a_moment_lies_in_its_slot_and_never_around_a_full_hour(finess: str, day: date, position: int) -> None:
    for slot in line_clock.slots(finess, day):
        at = slot.moment(finess, position)
        assert slot.begins <= at < slot.ends
        assert not line_clock.near_full_hour(at)


@given(FINESS, DAYS)
def test_both_busy_parts_of_a_working_day_are_covered_and_a_quiet_one(finess: str, day: date) -> None:
    busy = [line_clock.is_busy(slot.moment(finess, 0)) for slot in line_clock.slots(finess, day)]
    assert sorted(busy) == ([False, True, True] if day.weekday() < 5 else [])


@given(FINESS, DAYS)
def test_who_stands_in_comes_after_who_is_first(finess: str, day: date) -> None:
    for slot in line_clock.slots(finess, day):
        moments = [slot.moment(finess, position) for position in range(MACHINES)]
        assert moments == sorted(moments)
        assert len(set(moments)) == MACHINES


def test_sites_are_spread_over_the_slot() -> None:
    minutes: Counter[int] = Counter()
    for number in range(4000):
        finess = f"33{number:07}"
        slot = next(iter(line_clock.slots(finess, MONDAY)))
        minutes[round((slot.moment(finess, 0) - slot.begins) / timedelta(minutes=10))] += 1
    assert len(minutes) >= 8
    assert max(minutes.values()) < 4000 / 4


@pytest.mark.parametrize(
    ("finess", "hour"),
    [("330000019", 9), ("2A0000014", 9), ("970302287", 5), ("970100228", 4), ("970400000", 12), ("980500003", 11)],
)
def test_an_overseas_site_has_its_own_morning(finess: str, hour: int) -> None:
    assert line_clock.local(finess, datetime(2026, 11, 23, 8, 0, tzinfo=UTC)).hour == hour


@pytest.mark.parametrize(
    ("moment", "busy"),
    [
        ("2026-11-23T07:29:59", False),
        ("2026-11-23T07:30:00", True),
        ("2026-11-23T09:29:59", True),
        ("2026-11-23T09:30:00", False),
        ("2026-11-23T13:30:00", True),
        ("2026-11-23T15:00:00", False),
        ("2026-11-22T08:00:00", False),
    ],
)
def test_the_busy_hours_are_those_of_working_days(moment: str, busy: bool) -> None:
    assert line_clock.is_busy(datetime.fromisoformat(moment)) is busy


@pytest.mark.parametrize("ahead", [0, 26])
def test_a_slot_keeps_its_clock_time_through_the_change_of_the_hour(ahead: int) -> None:
    day = date(2026, 10, 2) + timedelta(days=ahead)
    slot = next(iter(line_clock.slots("330000019", day)))
    assert slot.begins.strftime("%H:%M") == "07:30"
    assert slot.begins.astimezone(UTC).hour == (5 if ahead == 0 else 6)


def test_machines_by_cable_are_elected_first_and_others_on_other_days() -> None:
    candidates = [(False, f"cable-{n}") for n in range(8)] + [(True, f"wifi-{n}") for n in range(8)]
    seen: Counter[str] = Counter()
    for day in range(60):
        chosen = line_clock.elected("330000019", MONDAY + timedelta(days=day), candidates)
        assert len(chosen) == len(set(chosen)) == MACHINES
        seen.update(chosen)
    assert {name.partition("-")[0] for name in seen} == {"cable"}
    assert len(seen) == 8


def test_a_site_without_cables_has_its_machines_on_wifi_measure() -> None:
    assert line_clock.elected("330000019", MONDAY, [(True, "a")]) == ["a"]
    assert line_clock.elected("330000019", MONDAY, []) == []
