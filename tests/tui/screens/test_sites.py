"""What an operator sees of the list of sites in the terminal UI."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import grpc
import pytest
from tests.tui.screens.front import at, listed, opened, press, settled, shows, text, until

from prerequis.v1 import judgement_pb2, review_pb2
from prerequis_tui.screens import sites as sites_screen
from prerequis_tui.screens.site import SiteScreen
from prerequis_tui.screens.sites import SitesScreen
from prerequis_tui.widgets.line_list import LineList

if TYPE_CHECKING:
    from tests.tui.conftest import Collector


async def test_the_list_of_sites_opens_worst_first(park: Collector) -> None:
    async with opened(park) as pilot:
        assert await at(pilot, SitesScreen)
        shown = text(pilot)
        assert shown.index("EHPAD Les Tilleuls") < shown.index("FAM Le Rivage") < shown.index("SAVS La Passerelle")
        assert "✘ Pas prêt" in shown
        assert "62 à 87 %" in shown


@pytest.fixture
def restless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the list ask how the judging goes without waiting long."""
    monkeypatch.setattr(sites_screen, "_ASK_SECONDS", 0.05)


@pytest.mark.usefixtures("restless")
async def test_the_list_follows_the_judging_and_leaves_the_cursor_on_its_site(park: Collector) -> None:
    park.kept.being_judged = 12
    async with opened(park) as pilot:
        assert await shows(pilot, "12 sites sont en cours d'évaluation.")
        await press(pilot, "down", "down")
        sites = pilot.app.screen.query_one("#sites", LineList)
        chosen = sites.chosen
        assert chosen is not None
        park.kept.being_judged = 11
        assert await shows(pilot, "11 sites sont en cours d'évaluation.")
        last = min(park.kept.sites, key=lambda site: site.finess == chosen.finess)
        last.name, last.readiness = "Foyer rejugé", judgement_pb2.Readiness.NOT_READY
        park.kept.being_judged = 5
        assert await shows(pilot, "5 sites sont en cours d'évaluation.", "Foyer rejugé")
        park.kept.being_judged = 0
        assert await until(pilot, lambda: "en cours d'évaluation" not in text(pilot))
        assert [site.finess for site in (sites.chosen,) if site is not None] == [chosen.finess]
        assert isinstance(pilot.app.screen, SitesScreen)


@pytest.mark.usefixtures("restless")
async def test_a_collector_that_goes_and_comes_back_while_judging_is_told_of_in_a_line(park: Collector) -> None:
    park.kept.being_judged = 12
    async with opened(park) as pilot:
        assert await shows(pilot, "12 sites sont en cours d'évaluation.")
        await park.stop()
        assert await shows(pilot, "Le collecteur ne répond plus ; nouvel essai dans un instant.", "EHPAD Les Tilleuls")
        assert isinstance(pilot.app.screen, SitesScreen)
        park.kept.being_judged = 0
        await park.start()
        assert await until(pilot, lambda: "ne répond plus" not in text(pilot))


@pytest.mark.usefixtures("restless")
async def test_a_collector_that_answers_more_slowly_than_it_is_asked_is_followed_all_the_same(park: Collector) -> None:
    park.kept.being_judged, park.kept.judging_seconds = 12, 0.5
    async with opened(park) as pilot:
        assert await shows(pilot, "12 sites sont en cours d'évaluation.")
        park.kept.being_judged = 11
        assert await shows(pilot, "11 sites sont en cours d'évaluation.")
        assert isinstance(pilot.app.screen, SitesScreen)


@pytest.mark.usefixtures("restless")
async def test_a_collector_too_old_to_tell_how_the_judging_goes_is_asked_no_more(park: Collector) -> None:
    park.kept.being_judged = 12
    park.kept.judging_refusal = (grpc.StatusCode.UNIMPLEMENTED, "Method not found!")
    async with opened(park) as pilot:
        assert await until(pilot, lambda: not cast("SitesScreen", pilot.app.screen)._being_judged)
        assert await shows(pilot, "12 sites sont en cours d'évaluation.")


async def test_a_site_that_only_its_register_keeps_from_being_ready_says_so(park: Collector) -> None:
    park.kept.sites[1].workstations = 0
    async with opened(park) as pilot:
        assert await shows(pilot, "✘ Pas prêt (registre)    590000001")


@pytest.mark.parametrize(
    ("typed", "found"), [("rivage", ["590000002"]), ("kalliste", ["2A0000005"]), ("insuffisantes 59", ["590000002"])]
)
async def test_typing_keeps_the_sites_that_carry_every_word(park: Collector, typed: str, found: list[str]) -> None:
    async with opened(park) as pilot:
        await pilot.press("slash", *("space" if sign == " " else sign for sign in typed))
        sites = pilot.app.screen.query_one("#sites", LineList)
        assert [site.finess for site in listed(sites)] == found
        assert await shows(pilot, f"{len(found)} sur 5 sites")
        await press(pilot, "escape")
        assert len(sites.rows) == 5


async def test_sorting_goes_through_the_columns_and_keeps_the_cursor_on_its_site(park: Collector) -> None:
    async with opened(park) as pilot:
        sites = pilot.app.screen.query_one("#sites", LineList)
        await press(pilot, "down", "s")
        assert [site.name for site in listed(sites)] == sorted(site.name for site in listed(sites))
        assert sites.chosen is not None
        assert sites.chosen.finess == "2A0000005"
        assert await shows(pilot, "Site ▾")


async def test_forty_thousand_sites_are_listed_searched_and_walked_to_the_end(collector: Collector) -> None:
    collector.kept.sites.extend(
        review_pb2.SiteSummary(finess=f"{number:09}", name=f"Site {number}", readiness=judgement_pb2.Readiness.READY)
        for number in range(40_000)
    )
    async with opened(collector) as pilot:
        sites = pilot.app.screen.query_one("#sites", LineList)
        assert len(sites.rows) == 40_000
        assert await shows(pilot, "Site 0 ")
        await press(pilot, "end")
        assert await shows(pilot, "Site 39999")
        await pilot.press("home", "slash", *"39998")
        assert [site.finess for site in listed(sites)] == ["000039998"]


async def test_a_click_chooses_and_a_second_one_opens(park: Collector) -> None:
    async with opened(park) as pilot:
        sites = pilot.app.screen.query_one("#sites", LineList)
        await pilot.click("#sites", offset=(5, 3))
        await settled(pilot)
        assert sites.cursor == 2
        await pilot.click("#sites", offset=(5, 3))
        await settled(pilot)
        assert await at(pilot, SiteScreen)
