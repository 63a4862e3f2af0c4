"""What all screens of the terminal UI have: the way to each other, help, and what they say when something is wrong."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import grpc
from tests.tui.screens.front import LARGE, at, opened, press, shows, text, until
from textual.command import CommandList, CommandPalette
from textual.widgets import Static

from prerequis_tui.actions import ACTIONS
from prerequis_tui.screens.help import HelpScreen
from prerequis_tui.screens.problem import ProblemScreen
from prerequis_tui.screens.site import SiteScreen
from prerequis_tui.screens.sites import SitesScreen

if TYPE_CHECKING:
    from tests.tui.conftest import Collector


async def test_an_older_collector_is_named_as_the_cause(park: Collector) -> None:
    park.kept.refusal = (grpc.StatusCode.UNIMPLEMENTED, "Method not found!")
    async with opened(park) as pilot:
        shown = await shows(pilot, "Le collecteur est trop ancien", "mettre à jour")
        assert "Method not found" not in shown


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


async def test_no_line_is_wider_than_the_smallest_terminal(park: Collector) -> None:
    async with opened(park) as pilot:
        for keys in ((), ("enter",), ("enter",), ("escape", "escape", "question_mark")):
            await press(pilot, *keys)
            assert {len(line) for line in text(pilot).split("\n")} == {80}
        assert pilot.app.screen.query(Static)
