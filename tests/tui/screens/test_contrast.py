"""Every text of the terminal UI can be read, on a dark ground and on a light one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rich.color_triplet import ColorTriplet
from tests.tui.screens.front import LARGE, at, opened, press, settled, text

from prerequis_tui.screens.help import HelpScreen
from prerequis_tui.screens.site import SiteScreen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.segment import Segment
    from tests.tui.conftest import Collector
    from textual.pilot import Pilot
    from textual.screen import Screen

LEAST = 4.5
"""WCAG 2.1, 1.4.3 (AA)."""


def _luminance(colour: ColorTriplet) -> float:
    """Return the relative luminance that WCAG 2.1 defines."""
    linear = [one / 12.92 if one <= 0.03928 else ((one + 0.055) / 1.055) ** 2.4 for one in colour.normalized]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: ColorTriplet, other: ColorTriplet) -> float:
    """Return the contrast ratio of two colours, from 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _segments(screen: Screen[object]) -> Iterator[Segment]:
    for strip in screen._compositor.render_strips():
        yield from strip


def faint(pilot: Pilot[int]) -> list[tuple[str, float]]:
    """Return the words in front that are hard to read, with their contrast; what only draws is passed over."""
    found = []
    for words, style, _ in _segments(pilot.app.screen):
        if style is None or style.color is None or style.bgcolor is None or not any(map(str.isalnum, words)):
            continue
        ratio = contrast(style.color.get_truecolor(), style.bgcolor.get_truecolor())
        if ratio < LEAST:
            found.append((words.strip(), round(ratio, 2)))
    return found


def test_the_contrast_is_that_of_wcag() -> None:
    assert contrast(ColorTriplet(0, 0, 0), ColorTriplet(255, 255, 255)) == pytest.approx(21)
    assert contrast(ColorTriplet(119, 119, 119), ColorTriplet(255, 255, 255)) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", ["prerequis-nuit", "prerequis-jour"])
async def test_every_text_stands_out_from_its_ground(park: Collector, theme: str) -> None:
    async with opened(park, LARGE) as pilot:
        pilot.app.theme = theme
        await settled(pilot)
        assert faint(pilot) == []
        await press(pilot, "slash")
        assert faint(pilot) == []
        await press(pilot, "escape", "enter")
        assert await at(pilot, SiteScreen)
        for _ in range(9):
            assert faint(pilot) == []
            await press(pilot, "right")


@pytest.mark.parametrize("theme", ["prerequis-nuit", "prerequis-jour"])
async def test_the_help_stands_out_from_its_ground(park: Collector, theme: str) -> None:
    async with opened(park) as pilot:
        pilot.app.theme = theme
        await press(pilot, "question_mark")
        assert await at(pilot, HelpScreen)
        # What is behind is dimmed on purpose.
        assert "Aide" in text(pilot)
        assert "Aide" not in dict(faint(pilot))
