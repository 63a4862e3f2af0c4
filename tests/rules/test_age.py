"""Knowledge tells its day, and is complained of once it is old."""

from datetime import date, timedelta

import pytest

from prerequis_rules.age import OLDEST, warnings
from prerequis_rules.check import check_pack
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


def test_old_knowledge_is_a_warning_and_no_fault() -> None:
    report = check_pack(today=date(2030, 1, 1))
    assert report.ok
    assert len(report.warnings) == len(KNOWLEDGE.origins)
    assert report.as_json()["warnings"] == list(report.warnings)
