"""Knowledge tells its day, and is complained of once it is old."""

from datetime import date, timedelta

import pytest

from prerequis_rules.age import OLDEST, warnings
from prerequis_rules.load import load_knowledge

KNOWLEDGE = load_knowledge()


def test_every_list_tells_its_source_and_day() -> None:
    files = {one.file for one in KNOWLEDGE.origins}
    assert {"knowledge/atr.toml", "knowledge/lifecycle-windows.toml", "knowledge/services.toml"} <= files
    assert "knowledge/sources.toml" not in files
    assert all(one.source and one.dated >= date(2026, 1, 1) for one in KNOWLEDGE.origins)


@pytest.mark.parametrize(("beyond", "told"), [(0, False), (1, True)])
def test_a_file_is_complained_of_the_day_after_the_last(beyond: int, told: bool) -> None:
    windows = next(one for one in KNOWLEDGE.origins if one.file.endswith("lifecycle-windows.toml"))
    found = list(warnings(KNOWLEDGE, windows.dated + OLDEST + timedelta(days=beyond)))
    assert any(one.startswith("knowledge/lifecycle-windows.toml date du 22/08/2026") for one in found) is told
