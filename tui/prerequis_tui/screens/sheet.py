"""A page of labelled texts over the screen that opened it; verdicts, machines and needs are such pages."""

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.widgets import Footer

from prerequis_tui.actions import bindings
from prerequis_tui.credential import Credential
from prerequis_tui.widgets.sheet import Part, Sheet
from prerequis_tui.widgets.title_bar import TitleBar


class SheetScreen(Screen[None]):
    """One page, closed by Escape."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("back", "help", "quit")

    def __init__(self, credential: Credential, place: str, title: str, parts: Iterable[Part]) -> None:
        super().__init__()
        self._credential = credential
        self._place = place
        self._heading = title
        self._parts = tuple(parts)

    def compose(self) -> ComposeResult:
        """Lay out the page."""
        yield TitleBar(f"Prérequis · {self._place}", self._credential)
        yield Sheet(self._heading, self._parts)
        yield Footer(show_command_palette=False)

    def action_back(self) -> None:
        """Return to what opened the page."""
        self.app.pop_screen()
