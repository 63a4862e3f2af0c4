"""What an operator sees and reaches in the terminal UI."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

import grpc
import pytest
from tests.tui.lines import slow
from tests.tui.services import asked
from textual import events
from textual.command import CommandList, CommandPalette
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Static, TabbedContent

from prerequis.v1 import judgement_pb2, review_pb2
from prerequis_tui.actions import ACTIONS
from prerequis_tui.app import PrerequisApp
from prerequis_tui.screens import sites as sites_screen
from prerequis_tui.screens.help import HelpScreen
from prerequis_tui.screens.machine import MachineScreen
from prerequis_tui.screens.measurement import MeasurementScreen
from prerequis_tui.screens.need import NeedScreen
from prerequis_tui.screens.problem import ProblemScreen
from prerequis_tui.screens.service import ServiceScreen
from prerequis_tui.screens.site import SiteScreen
from prerequis_tui.screens.sites import SitesScreen
from prerequis_tui.screens.verdict import VerdictScreen
from prerequis_tui.widgets.framework_pane import FrameworkPane
from prerequis_tui.widgets.line_list import Heading, LineList
from prerequis_tui.widgets.sheet import Sheet

if TYPE_CHECKING:
    from tests.tui.conftest import Collector

SMALL, LARGE = (80, 24), (140, 40)


@asynccontextmanager
async def opened(collector: Collector, size: tuple[int, int] = SMALL) -> AsyncIterator[Pilot[int]]:
    """Give the application, open on what the collector answered first."""
    async with collector.client() as client, PrerequisApp(client).run_test(size=size, notifications=True) as pilot:
        await settled(pilot)
        yield pilot


async def settled(pilot: Pilot[int]) -> None:
    """Wait until every answer came and was shown."""
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


async def until(pilot: Pilot[int], true: Callable[[], bool]) -> bool:
    """Return whether something comes true within a delay that a busy machine keeps too."""
    ends = time.monotonic() + 60
    while not (came := true()) and time.monotonic() < ends:
        await pilot.pause(0.05)
    return came


async def shows(pilot: Pilot[int], *fragments: str) -> str:
    """Return what is in front once it holds every fragment; fail when it never does."""
    found = await until(pilot, lambda: all(fragment in text(pilot) for fragment in fragments))
    shown = text(pilot)
    assert found, f"{[one for one in fragments if one not in shown]} not in\n{shown}"
    return shown


async def at(pilot: Pilot[int], screen: type[Screen[Any]]) -> bool:
    """Return whether a screen comes to the front."""
    return await until(pilot, lambda: isinstance(pilot.app.screen, screen))


async def press(pilot: Pilot[int], *keys: str) -> None:
    """Press each key, waiting for what it started."""
    for key in keys:
        await pilot.press(key)
        await settled(pilot)


def screen_text(screen: Screen[object]) -> str:
    """Return what is on the screen, as text."""
    return "\n".join(strip.text for strip in screen._compositor.render_strips())


def text(pilot: Pilot[int]) -> str:
    """Return what is in front, as text."""
    return screen_text(pilot.app.screen)


def listed(sites: LineList[review_pb2.SiteSummary]) -> list[review_pb2.SiteSummary]:
    """Return the sites that the list holds."""
    return [row for row in sites.rows if not isinstance(row, Heading)]


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
async def test_a_collector_too_old_to_tell_how_the_judging_goes_is_asked_no_more(park: Collector) -> None:
    park.kept.being_judged = 12
    park.kept.judging_refusal = (grpc.StatusCode.UNIMPLEMENTED, "Method not found!")
    async with opened(park) as pilot:
        assert await until(pilot, lambda: not cast("SitesScreen", pilot.app.screen)._being_judged)
        assert await shows(pilot, "12 sites sont en cours d'évaluation.")


async def test_an_older_collector_is_named_as_the_cause(park: Collector) -> None:
    park.kept.refusal = (grpc.StatusCode.UNIMPLEMENTED, "Method not found!")
    async with opened(park) as pilot:
        shown = await shows(pilot, "Le collecteur est trop ancien", "mettre à jour")
        assert "Method not found" not in shown


async def test_a_site_that_only_its_register_keeps_from_being_ready_says_so(park: Collector) -> None:
    park.kept.sites[1].workstations = 0
    async with opened(park) as pilot:
        assert await shows(pilot, "✘ Pas prêt (registre)    590000001")


async def test_a_copied_machine_is_flagged_where_it_is_listed_and_its_page_says_what_to_do(park: Collector) -> None:
    copied, odd, *_ = park.kept.details["590000001"].workstations
    copied.quarantined = True
    copied.warnings.append("Clone : plusieurs machines ont la même identité, aucune n'est jugée.")
    odd.warnings.append("Revenu en arrière : machine restaurée d'une sauvegarde.")
    async with opened(park) as pilot:
        await press(pilot, "enter", "right", "right")
        assert await shows(pilot, "✘ clone", "! à vérifier")
        machines = pilot.app.screen.query_one("#machines", LineList)
        machines.cursor = [isinstance(row, Heading) or row.id for row in machines.rows].index(copied.id)
        await press(pilot, "enter")
        assert await at(pilot, MachineScreen)
        assert await shows(pilot, "Identité", "plusieurs machines ont la même identité")


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


async def test_from_the_list_to_a_verdict_and_back(park: Collector) -> None:
    async with opened(park) as pilot:
        await press(pilot, "enter")
        assert await at(pilot, SiteScreen)
        shown = await shows(pilot, "✘ PAS PRÊT", "62 à 87 % (72 % vérifié)")
        assert shown.index("Ce qui bloque (3)") < shown.index("Inconnu et bloquant") < shown.index("Autres écarts")
        await press(pilot, "down", "enter")
        assert await at(pilot, VerdictScreen)
        assert await shows(
            pilot, "PC-SOIN-1, PC-SOIN-2", "aucun lecteur", "au moins un lecteur PC/SC", "Brancher un lecteur"
        )
        assert await shows(pilot, "« Un lecteur SC par poste de professionnel de soin", "22/11/2026")
        await press(pilot, "escape", "escape")
        assert await at(pilot, SitesScreen)


async def test_a_wide_terminal_shows_the_chosen_finding_beside_the_list(park: Collector) -> None:
    async with opened(park, LARGE) as pilot:
        await press(pilot, "enter", "down")
        pane = pilot.app.screen.query_one("#framework-dui", FrameworkPane)
        assert pane.query_one(Sheet).display
        assert await shows(pilot, "PC-SOIN-1, PC-SOIN-2")


async def test_every_part_of_a_site_has_a_tab(park: Collector) -> None:
    park.kept.lines["590000001"], park.kept.services["590000001"] = slow(), asked()
    async with opened(park) as pilot:
        await press(pilot, "enter", "right")
        assert await shows(pilot, "PRÊT AVEC RÉSERVES")
        await press(pilot, "right")
        assert await shows(pilot, "PC-ACCUEIL")
        await press(pilot, "enter")
        assert await at(pilot, MachineScreen)
        assert await shows(pilot, "La mesure de la ligne n'a pas abouti en 10 s.")
        await press(pilot, "escape", "right", "right")
        assert await shows(pilot, "Trop lente", "7,5 Mbit/s (938 Ko/s)", "PC-ACCUEIL-0")
        await press(pilot, "enter")
        assert await at(pilot, MeasurementScreen)
        assert await shows(pilot, "25,0 Mbit/s (3\u202f125 Ko/s)", "en Wi-Fi")
        await press(pilot, "escape", "right")
        assert await shows(pilot, "✘ Injoignable : 2, dont 1 indispensable", "dui.test:443")
        await press(pilot, "down", "down", "enter")
        assert await at(pilot, ServiceScreen)
        assert await shows(
            pilot, "psc.test:443 : joint, mais IPv6 échoue", "connexion établie en 12 ms", "pas de connexion"
        )
        await press(pilot, "escape", "right")
        assert await shows(pilot, "non connu")
        await press(pilot, "enter")
        assert await at(pilot, NeedScreen)
        assert await shows(pilot, "prerequis order add 590000001 smartcard-reader")


async def test_keys_pressed_in_haste_reach_the_tab_that_they_asked_for(park: Collector) -> None:
    async with opened(park) as pilot:
        await press(pilot, "enter")
        assert await shows(pilot, "PAS PRÊT")
        for key in ("right", "right", "enter"):
            pilot.app.post_message(events.Key(key, None))
        assert await at(pilot, MachineScreen)


async def test_a_question_is_answered_where_it_is_read(park: Collector) -> None:
    async with opened(park) as pilot:
        await press(pilot, "enter", "right", "right", "right")
        assert await shows(pilot, "Comment le site appelle-t-il", "sans réponse")
        await press(pilot, "enter")
        assert await shows(pilot, "carte", "certificat-serveur", "mixte")
        await press(pilot, "down", "enter")
        assert await shows(pilot, "Réponse gardée")
        (sent,) = park.kept.answers
        assert (sent.finess, sent.question, sent.choice) == ("590000001", "mode-insi", "certificat-serveur")
        assert await until(pilot, lambda: "sans réponse" not in text(pilot))


async def test_a_question_can_be_left_as_it_was(park: Collector) -> None:
    async with opened(park) as pilot:
        await press(pilot, "enter", "right", "right", "right", "enter", "escape")
        assert await shows(pilot, "sans réponse")
        assert park.kept.answers == []


async def test_requirements_that_nothing_verifies_are_listed_and_open_nothing(park: Collector) -> None:
    async with opened(park) as pilot:
        await press(pilot, "enter", "end")
        assert await shows(pilot, "P13  Onduleur")
        await press(pilot, "enter")
        assert await at(pilot, SiteScreen)


async def test_a_site_that_nobody_measured_says_what_to_do(park: Collector) -> None:
    async with opened(park) as pilot:
        await press(pilot, "down", "down", "enter")
        assert await shows(pilot, "lancer « prerequis-agent run »", "poste du site.")
        await press(pilot, "left")
        assert await shows(pilot, "ils ne sont pas connus")


async def test_refreshing_a_site_shows_the_new_judgement_and_keeps_the_tab(park: Collector) -> None:
    async with opened(park) as pilot:
        await press(pilot, "enter", "right")
        park.kept.details["590000001"].frameworks[1].readiness = judgement_pb2.Readiness.READY
        await press(pilot, "r")
        assert pilot.app.screen.query_one(TabbedContent).active == "tab-anssi-hygiene"
        assert await shows(pilot, "✔ PRÊT ")


async def test_an_operator_who_may_not_see_needs_has_no_tab_for_them(park: Collector) -> None:
    park.kept.needs_refusal = (grpc.StatusCode.PERMISSION_DENIED, "non")
    async with opened(park) as pilot:
        await press(pilot, "enter")
        assert await shows(pilot, "PAS PRÊT")
        assert not pilot.app.screen.query("#tab-needs")


async def test_a_collector_that_is_away_is_explained_and_tried_again(park: Collector) -> None:
    await park.stop()
    async with opened(park) as pilot:
        assert await at(pilot, ProblemScreen)
        assert await shows(pilot, "Le collecteur ne répond pas")
        assert await shows(pilot, f"127.0.0.1:{park.port}")
        await press(pilot, "r")
        assert await at(pilot, ProblemScreen)
        await park.start()
        ends = time.monotonic() + 60
        while not isinstance(pilot.app.screen, SitesScreen) and time.monotonic() < ends:
            await press(pilot, "r")
        assert await shows(pilot, "EHPAD Les Tilleuls")


async def test_what_was_shown_stays_when_a_refresh_fails(park: Collector) -> None:
    async with opened(park) as pilot:
        await park.stop()
        await press(pilot, "r", "escape")
        assert await at(pilot, SitesScreen)
        assert await shows(pilot, "EHPAD Les Tilleuls")


async def test_a_refusal_is_told_in_the_words_of_the_collector(park: Collector) -> None:
    park.kept.refusal = (grpc.StatusCode.PERMISSION_DENIED, "votre rôle ne permet pas cela.")
    async with opened(park) as pilot:
        assert await shows(pilot, "Le collecteur refuse")
        assert await shows(pilot, "Votre rôle ne permet pas cela.")


async def test_a_site_that_is_gone_leads_back_to_the_list(park: Collector) -> None:
    async with opened(park) as pilot:
        park.kept.details.clear()
        await press(pilot, "enter")
        assert await shows(pilot, "Aucun site 590000001.")
        await press(pilot, "escape")
        assert await at(pilot, SitesScreen)


async def test_the_help_names_every_key_of_the_screen_it_was_asked_on(park: Collector) -> None:
    async with opened(park, LARGE) as pilot:
        await press(pilot, "question_mark")
        assert await at(pilot, HelpScreen)
        for name in ("open_row", "filter", "sort", "refresh", "help", "command_palette", "quit"):
            assert await shows(pilot, ACTIONS[name].help)
        assert ACTIONS["next_tab"].help not in text(pilot)
        await press(pilot, "question_mark", "enter")
        assert await at(pilot, SiteScreen)
        await press(pilot, "f1")
        assert await shows(pilot, ACTIONS["next_tab"].help)


async def test_the_palette_does_what_it_offers(park: Collector) -> None:
    async with opened(park, LARGE) as pilot:
        await press(pilot, "ctrl+p")
        assert await at(pilot, CommandPalette)
        await pilot.press(*"trier")
        # Enter takes what is found so far: the list must have it.
        assert await until(pilot, lambda: pilot.app.screen.query_one(CommandList).option_count == 1)
        await press(pilot, "enter")
        assert await shows(pilot, "Site ▾")


async def test_q_leaves_from_everywhere(park: Collector) -> None:
    for keys in ((), ("enter",), ("enter", "enter"), ("question_mark",)):
        async with opened(park) as pilot:
            await press(pilot, *keys)
            await pilot.press("q")
            assert await until(pilot, lambda: not pilot.app.is_running)


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


async def test_no_line_is_wider_than_the_smallest_terminal(park: Collector) -> None:
    async with opened(park) as pilot:
        for keys in ((), ("enter",), ("enter",), ("escape", "escape", "question_mark")):
            await press(pilot, *keys)
            assert {len(line) for line in text(pilot).split("\n")} == {80}
        assert pilot.app.screen.query(Static)


async def test_the_cursor_passes_over_headings_and_stays_within_the_rows(park: Collector) -> None:
    async with opened(park) as pilot:
        await press(pilot, "enter")
        findings = pilot.app.screen.query_one("#framework-dui LineList", LineList)
        seen = []
        for _ in range(len(findings.rows)):
            assert findings.chosen is not None
            seen.append(findings.cursor)
            findings.action_move(1)
        rows = [at for at, row in enumerate(findings.rows) if not isinstance(row, Heading)]
        assert sorted(set(seen)) == rows
        await press(pilot, "pageup", "pageup", "pageup")
        assert findings.cursor == rows[0]
        assert await shows(pilot, "Ce qui bloque")


async def test_a_click_chooses_and_a_second_one_opens(park: Collector) -> None:
    async with opened(park) as pilot:
        sites = pilot.app.screen.query_one("#sites", LineList)
        await pilot.click("#sites", offset=(5, 3))
        await settled(pilot)
        assert sites.cursor == 2
        await pilot.click("#sites", offset=(5, 3))
        await settled(pilot)
        assert await at(pilot, SiteScreen)
