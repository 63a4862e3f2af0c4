"""What an operator sees and reaches of one site in the terminal UI."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
from tests.tui.lines import slow
from tests.tui.screens.front import LARGE, at, opened, press, shows, text, until
from tests.tui.services import asked
from textual import events
from textual.widgets import TabbedContent

from prerequis.v1 import judgement_pb2
from prerequis_tui.screens.machine import MachineScreen
from prerequis_tui.screens.measurement import MeasurementScreen
from prerequis_tui.screens.need import NeedScreen
from prerequis_tui.screens.service import ServiceScreen
from prerequis_tui.screens.site import SiteScreen
from prerequis_tui.screens.sites import SitesScreen
from prerequis_tui.screens.verdict import VerdictScreen
from prerequis_tui.widgets.framework_pane import FrameworkPane
from prerequis_tui.widgets.line_list import Heading, LineList
from prerequis_tui.widgets.sheet import Sheet

if TYPE_CHECKING:
    from tests.tui.conftest import Collector


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


async def test_a_site_that_is_gone_leads_back_to_the_list(park: Collector) -> None:
    async with opened(park) as pilot:
        park.kept.details.clear()
        await press(pilot, "enter")
        assert await shows(pilot, "Aucun site 590000001.")
        await press(pilot, "escape")
        assert await at(pilot, SitesScreen)


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
