"""What `prerequis parameter` shows and settles."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from prerequis.v1.review_pb2 import SiteParameter

if TYPE_CHECKING:
    from tests.tui.conftest import Collector, Run


@pytest.fixture
def settled(park: Collector) -> Collector:
    rate = SiteParameter(name="débit", meaning="débit par utilisateur", value="3,0 Mbit/s (375 Ko/s)", author="dsi")
    rate.profile_value, rate.reason = "2,0 Mbit/s (250 Ko/s)", "Essai de l'éditeur"
    rate.settled_at.FromJsonString("2026-11-20T10:00:00Z")
    ratio = SiteParameter(name="ratio", meaning="professionnels par ordinateur", value="3", profile_value="3")
    park.kept.details["590000001"].parameters.extend([rate, ratio])
    return park


async def test_a_settled_parameter_is_shown_with_its_reason_there_and_in_the_sites_page(
    settled: Collector, run: Run
) -> None:
    for command in (("parameter", "590000001"), ("site", "590000001")):
        shown = (await run(*command)).out
        assert "3,0 Mbit/s (375 Ko/s)" in shown
        assert "réglé par dsi le 20/11/2026 : Essai de l'éditeur" in shown


async def test_programs_read_the_same(settled: Collector, run: Run) -> None:
    rate, ratio = json.loads((await run("parameter", "590000001", "--json")).out)["parameters"]
    assert (rate["profileValue"], rate["author"]) == ("2,0 Mbit/s (250 Ko/s)", "dsi")
    assert (ratio["value"], ratio["settledAt"], ratio["reason"]) == ("3", None, None)


async def test_settling_one_says_what_was_kept(settled: Collector, run: Run) -> None:
    ended = await run("parameter", "590000001", "ratio", "4", "--reason", "Postes partagés")
    assert (ended.code, ended.err) == (0, "")
    assert "réglé par dsi" in ended.out


@pytest.mark.parametrize(
    "arguments", [("ratio",), ("ratio", "4"), ("ratio", "4", "--reset", "--reason", "x"), ("ratio", "--reset")]
)
async def test_half_a_request_is_refused(settled: Collector, run: Run, arguments: tuple[str, ...]) -> None:
    assert (await run("parameter", "590000001", *arguments)).code == 2
