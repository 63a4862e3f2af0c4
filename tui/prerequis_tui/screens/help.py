"""Shows the keys of a screen and the meaning of the signs."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from prerequis_tui import score_bar, wording
from prerequis_tui.actions import ACTIONS, bindings
from prerequis_tui.widgets.tones import toned, worded
from prerequis_tui.wording import Tone


class HelpScreen(ModalScreen[None]):
    """The help of the screen under it, made from the table of actions."""

    CSS = """
    HelpScreen { align: center middle; }
    HelpScreen #box {
        width: 76; max-width: 96%; height: auto; max-height: 94%; padding: 1 2; background: $surface;
        border: round $primary; border-subtitle-color: $text-muted;
        border-title-color: $foreground; border-title-style: bold;
    }
    HelpScreen Static { margin-bottom: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings("back", "help", "quit")

    def __init__(self, about: str, actions: Sequence[str]) -> None:
        super().__init__()
        self._about = about
        self._actions = actions

    def compose(self) -> ComposeResult:
        """Lay out what the screen shows, its keys, and the signs."""
        with VerticalScroll(id="box") as box:
            box.border_title = "Aide"
            box.border_subtitle = "Échap : fermer"
            if self._about:
                yield Static(self._about, markup=False)
            yield Static(Content("\n").join([_key(ACTIONS[name].shown, ACTIONS[name].help) for name in self._actions]))
            yield Static(Content("\n").join(_signs()))

    def action_back(self) -> None:
        """Close the help."""
        self.dismiss()


def _key(shown: str, text: str) -> Content:
    return Content.assemble(toned(f"{shown:>8}  ", Tone.STRONG), text)


def _signs() -> Sequence[Content]:
    verdicts = Content("   ").join(
        [worded(word) for word in (*list(wording.VERDICT.values())[:-1], wording.WAIVED)],
    )
    return (
        verdicts,
        Content.assemble("« Inconnu » : ni succès ni échec, personne n'a encore pu le voir."),
        Content.assemble(
            "Score : ",
            toned(score_bar.CERTAIN * 3, Tone.GOOD),
            " acquis   ",
            toned(score_bar.NOT_KNOWN * 3, Tone.UNKNOWN),
            " inconnu   ",
            toned(score_bar.LOST * 3, Tone.MUTED),
            " perdu",
        ),
        Content("62 % sont acquis ; 87 % au plus, si tout l'inconnu tourne bien."),
    )
