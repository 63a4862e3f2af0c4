"""A programme's calendar is data: its lots, its days, and its targets in whole records."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerequis_rules.model import Target
from prerequis_rules.pack import Pack


def test_a_lot_is_found_by_its_calendar_and_its_name(pack: Pack) -> None:
    lot = pack.lot("essai/1")
    assert lot is not None
    assert (lot.opens, lot.closes) == (date(2027, 1, 1), date(2027, 3, 31))
    assert [pack.lot(name) for name in ("essai/3", "autre/1", "essai", "")] == [None] * 4


def test_the_shipped_example_is_the_one_of_its_source(shipped: Pack) -> None:
    lots = shipped.calendars["apajh-2023"].lots
    percents = {lot.id: [target.percent for target in lot.targets] for lot in lots.values()}
    assert percents == {"1": [70, 70, 70, 10, 10], "2": [80, 80, 80, 50, 50], "3": [90, 90, 90, 70, 70]}


@pytest.mark.parametrize(("percent", "records", "needed"), [(70, 24, 17), (70, 0, 0), (10, 1, 1), (100, 24, 24)])
def test_a_target_is_rounded_up_to_whole_records(percent: int, records: int, needed: int) -> None:
    assert Target("", percent).needed(records) == needed


@given(st.integers(0, 100), st.integers(0, 10**6))
def test_a_target_reached_is_never_under_its_share(percent: int, records: int) -> None:
    needed = Target("", percent).needed(records)
    assert 100 * needed >= percent * records > 100 * (needed - 1)
