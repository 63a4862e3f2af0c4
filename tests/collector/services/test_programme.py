"""A site in a lot of its programme: when it must be ready, and what it must reach."""

from dataclasses import replace
from datetime import date

import pytest
from tests.shipped import shipped_pack

from prerequis_collector.services.programme import due, goals
from prerequis_collector.store.sites import SiteRow

PACK = shipped_pack()
LOT = "apajh-2023/1"


@pytest.mark.parametrize(
    ("lot", "own", "expected"),
    [
        (LOT, None, "2023-09-30T00:00:00Z"),
        (LOT, date(2027, 1, 2), "2027-01-02T00:00:00Z"),
        ("", date(2027, 1, 2), "2027-01-02T00:00:00Z"),
        ("", None, None),
        ("gone/1", None, None),
    ],
)
def test_a_site_is_due_on_its_own_day_or_when_its_lot_opens(lot: str, own: date | None, expected: str | None) -> None:
    found = due(PACK, SiteRow(finess="330000019", name="Les Tilleuls", lot=lot, deadline=own))
    assert (found.ToJsonString() if found else None) == expected


def test_goals_are_in_records_where_somebody_counted_them() -> None:
    counted = goals(PACK, SiteRow(finess="330000019", name="Les Tilleuls", lot=LOT, active_records=24))
    uncounted = goals(PACK, SiteRow(finess="330000019", name="Les Tilleuls", lot=LOT))
    assert counted is not None
    assert uncounted is not None
    assert [goal.records for goal in counted.goals] == [17, 17, 17, 3, 3]
    assert not any(goal.HasField("records") for goal in uncounted.goals)
    assert "APAJH" in counted.title


def test_a_site_in_no_lot_has_no_goals() -> None:
    nowhere = SiteRow(finess="330000019", name="Les Tilleuls", lot=LOT)
    assert goals(replace(PACK, calendars={}), nowhere) is None
