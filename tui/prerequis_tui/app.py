"""The terminal UI."""

from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.command import CommandPalette
from textual.screen import Screen
from textual.theme import Theme

from prerequis_tui.actions import ACTIONS, bindings
from prerequis_tui.client import Client
from prerequis_tui.screens.help import HelpScreen
from prerequis_tui.screens.sites import SitesScreen

# Textual's own muted texts do not reach the contrast of 4.5 to 1 that WCAG 2.1 asks for (1.4.3, AA).
_MUTED = {"text-muted": "auto 72%", "text-disabled": "auto 72%"}
_DARK = Theme(
    name="prerequis-nuit",
    primary="#2F6F8F",
    secondary="#5A8CA8",
    accent="#7AA7F0",
    success="#4FB286",
    warning="#E0A84C",
    error="#E5646B",
    background="#12181D",
    surface="#182127",
    panel="#1F2A31",
    dark=True,
    variables=_MUTED,
)
_LIGHT = Theme(
    name="prerequis-jour",
    primary="#8FC1D9",
    secondary="#5A8CA8",
    accent="#2454B8",
    success="#1E7A4E",
    warning="#8F5B00",
    error="#B3242D",
    background="#FBFCFD",
    surface="#F1F5F7",
    panel="#E3EBEF",
    dark=False,
    variables=_MUTED,
)


class PrerequisApp(App[int]):
    """Opens on the list of sites; a key reaches every action of prerequis_tui.actions."""

    TITLE = "Prérequis"
    ENABLE_COMMAND_PALETTE = True
    CSS = "Tab { color: $text-muted; } Tab.-active { color: $foreground; }"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]  # noqa: RUF012  # Textual declares it so
    BINDINGS: ClassVar[list[BindingType]] = bindings("help", "quit")

    def __init__(self, client: Client) -> None:
        super().__init__()
        self._client = client
        self.register_theme(_DARK)
        self.register_theme(_LIGHT)
        self.theme = _DARK.name

    def on_mount(self) -> None:
        """Open the list of sites."""
        self.push_screen(SitesScreen(self._client))

    def action_help(self) -> None:
        """Show the help of the screen in front, or close it."""
        if isinstance(self.screen, HelpScreen):
            self.pop_screen()
        else:
            self.push_screen(HelpScreen(getattr(self.screen, "HELP", None) or "", self._reachable(self.screen)))

    def action_help_quit(self) -> None:
        """Say how to leave to a person who pressed Ctrl+C."""
        self.notify("Appuyer sur q pour quitter.")

    def action_command_palette(self) -> None:
        """Open the palette, in French."""
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(CommandPalette(placeholder="Chercher une action…"))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Return what the palette offers: the actions of the screen in front, and the choice of light or dark."""
        for name in self._reachable(screen):
            if name != "command_palette":
                action = ACTIONS[name]
                yield SystemCommand(action.label.capitalize(), action.help, partial(self._act, name))
        yield SystemCommand("Fond clair ou sombre", "Change les couleurs.", self._change_theme)

    def _reachable(self, screen: Screen[object]) -> list[str]:
        """Return the actions of the table that a key reaches on a screen, in the order of the table."""
        bound = {active.binding.action.removeprefix("app.") for active in screen.active_bindings.values()}
        return [name for name in ACTIONS if name in bound or name == "command_palette"]

    async def _act(self, name: str) -> None:
        focused = self.screen.focused
        target = focused if focused is not None and hasattr(focused, f"action_{name}") else self.screen
        await self.run_action(name, target if hasattr(target, f"action_{name}") else self)

    def _change_theme(self) -> None:
        self.theme = _LIGHT.name if self.theme == _DARK.name else _DARK.name
