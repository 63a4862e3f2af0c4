"""The terminal UI as a test drives it: opened, pressed, and read."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from textual.pilot import Pilot
from textual.screen import Screen

from prerequis.v1 import review_pb2
from prerequis_tui.app import PrerequisApp
from prerequis_tui.widgets.line_list import Heading, LineList

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
