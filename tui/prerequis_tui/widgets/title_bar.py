"""The first line of every screen: where one is, and as whom."""

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Static

from prerequis_tui.credential import Credential

_ROLES = {"technician": "technicien", "dsi": "DSI", "ordering": "commandes", "admin": "administrateur"}


class TitleBar(Horizontal):
    """The place on the left, the operator and the collector on the right."""

    DEFAULT_CSS = """
    TitleBar { dock: top; height: 1; background: $primary; color: $text; padding: 0 1; }
    TitleBar #place { width: 1fr; text-style: bold; text-wrap: nowrap; text-overflow: ellipsis; }
    TitleBar #who { width: auto; color: $text; }
    """

    def __init__(self, place: str, credential: Credential) -> None:
        super().__init__()
        self._place = place
        role = _ROLES.get(credential.role, credential.role)
        self._who = f" {credential.name} ({role}) · {credential.collector}"

    def compose(self) -> ComposeResult:
        """Lay out both ends."""
        yield Static(self._place, id="place", markup=False)
        yield Static(self._who, id="who", markup=False)

    def say(self, place: str) -> None:
        """Show another place."""
        self.query_one("#place", Static).update(place)
