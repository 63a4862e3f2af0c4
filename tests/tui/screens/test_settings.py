"""What an operator sees of a site's parameters, of what its lot must reach, and of knowledge that grew old."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.tui.screens.front import LARGE, at, opened, press, shows, text, until

from prerequis.v1.review_pb2 import GetSiteResponse, LotGoal, SiteParameter
from prerequis_tui.screens.setting import SettingScreen

if TYPE_CHECKING:
    from tests.tui.conftest import Collector

TO_THE_TAB = ("enter", "right", "right", "right", "right")


@pytest.fixture
def site(park: Collector) -> GetSiteResponse:
    """Return what the collector tells of a site that settled a parameter of its own and is in a lot."""
    rate = SiteParameter(name="débit", meaning="débit par utilisateur du DUI", value="3,0 Mbit/s (375 Ko/s)")
    rate.author, rate.profile_value, rate.reason = "essai", "2,0 Mbit/s (250 Ko/s)", "Mesuré par l'éditeur"
    rate.settled_at.FromJsonString("2026-11-20T10:00:00Z")
    told = park.kept.details["590000001"]
    told.parameters.extend([rate, SiteParameter(name="insi", meaning="façon d'appeler INSi")])
    told.lot.title, told.lot.source = "Lot 3 du programme", "Cahier des charges, p. 12"
    told.lot.opens.FromJsonString("2027-03-01T00:00:00Z")
    told.lot.closes.FromJsonString("2027-06-30T00:00:00Z")
    told.lot.goals.extend([LotGoal(title="Projet personnalisé", percent=80, records=64), LotGoal(percent=70)])
    return told


@pytest.mark.usefixtures("site")
async def test_a_parameter_is_shown_with_who_settled_it_why_and_what_the_profile_says(park: Collector) -> None:
    async with opened(park, LARGE) as pilot:
        await press(pilot, *TO_THE_TAB)
        assert await shows(pilot, "3,0 Mbit/s (375 Ko/s)", "débit par utilisateur du DUI", "essai, le 20/11/2026")
        await press(pilot, "enter")
        assert await at(pilot, SettingScreen)
        shown = await shows(pilot, "Mesuré par l'éditeur", "prerequis parameter 590000001 débit VALEUR")
        assert shown.index("3,0 Mbit/s (375 Ko/s)") < shown.index("2,0 Mbit/s (250 Ko/s)")


@pytest.mark.usefixtures("site")
async def test_a_parameter_that_nothing_says_is_not_known_and_nobody_is_said_to_have_settled_it(
    park: Collector,
) -> None:
    async with opened(park) as pilot:
        await press(pilot, *TO_THE_TAB, "down", "enter")
        assert await at(pilot, SettingScreen)
        assert "Réglé par" not in await shows(pilot, "insi", "non connu", "Le profil ne le dit pas.")


@pytest.mark.usefixtures("site")
async def test_what_the_lot_of_a_site_must_reach_is_listed_in_records_where_they_are_counted(park: Collector) -> None:
    async with opened(park) as pilot:
        await press(pilot, *TO_THE_TAB)
        assert await shows(pilot, "Lot 3 du programme", "Prêt pour le 01/03/2027", "80 % : 64 dossiers", "70 %  ")
        await press(pilot, "down", "down", "enter")
        assert await at(pilot, SettingScreen)
        assert await shows(pilot, "Projet personnalisé", "de la file active", "Cahier des charges, p. 12")


async def test_knowledge_that_grew_old_is_said_in_the_head_until_it_is_renewed(
    park: Collector, site: GetSiteResponse
) -> None:
    site.warnings.append("Les dates de fin de support ont plus d'un an.")
    async with opened(park) as pilot:
        await press(pilot, "enter")
        shown = await shows(pilot, "! Les dates de fin de support ont plus d'un an.", "PAS PRÊT")
        assert shown.index("dates de fin de support") < shown.index("PAS PRÊT")
        del site.warnings[:]
        await press(pilot, "r")
        assert await until(pilot, lambda: "fin de support ont" not in text(pilot))


async def test_a_collector_too_old_to_tell_of_parameters_leaves_no_empty_tab(park: Collector) -> None:
    async with opened(park) as pilot:
        await press(pilot, "enter")
        assert await shows(pilot, "PAS PRÊT")
        assert not pilot.app.screen.query("#tab-settings")
