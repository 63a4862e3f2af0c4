"""Says what went wrong with the collector and what to try."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Footer, Static

from prerequis_tui.actions import bindings
from prerequis_tui.credential import Credential
from prerequis_tui.errors import (
    CollectorFailed,
    CollectorOutdated,
    CollectorUnreachable,
    OperatorError,
    Refused,
    WrongInput,
)

_TITLES: dict[type[OperatorError], str] = {
    CollectorUnreachable: "Le collecteur ne répond pas",
    CollectorFailed: "Le collecteur a rencontré une erreur",
    Refused: "Le collecteur refuse",
    CollectorOutdated: "Le collecteur est trop ancien",
    WrongInput: "Demande impossible",
}

_HINTS: dict[type[OperatorError], tuple[str, ...]] = {
    CollectorUnreachable: (
        "Vérifier que ce poste est sur le réseau (câble, Wi-Fi, VPN).",
        "Vérifier que le collecteur est démarré : prerequis-collector serve.",
        "Vérifier que l'adresse ci-dessus est la bonne et qu'aucun pare-feu ne ferme ce port.",
    ),
    CollectorFailed: (
        "Réessayer dans un instant.",
        "Si cela dure : l'administrateur lira la cause dans le journal.",
    ),
    Refused: ("Demander à l'administrateur un accès dont le rôle permet cette action.",),
    CollectorOutdated: ("Demander à l'administrateur la version du collecteur, et de le mettre à jour.",),
    WrongInput: ("Revenir à la liste et l'actualiser : ce site n'existe peut-être plus.",),
}


class ProblemScreen(ModalScreen[bool]):
    """Returns True to try again, False to go on without an answer."""

    HELP = "Le collecteur n'a pas donné ce qui était demandé ; rien n'est perdu."
    CSS = """
    ProblemScreen { align: center middle; }
    ProblemScreen #box {
        width: 72; max-width: 94%; height: auto; max-height: 90%; padding: 1 2; background: $surface;
        border: round $error; border-title-color: $text-error; border-title-style: bold;
    }
    ProblemScreen #sentence { margin-bottom: 1; }
    ProblemScreen .hint { padding-left: 2; }
    ProblemScreen #keys { margin-top: 1; color: $text-muted; }
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings("refresh", "back", "help", "quit")

    def __init__(self, error: OperatorError, credential: Credential) -> None:
        super().__init__()
        self._error = error
        self._credential = credential

    def compose(self) -> ComposeResult:
        """Lay out the sentence, what to try, and the keys."""
        kind = type(self._error)
        said = str(self._error)
        with Vertical(id="box") as box:
            box.border_title = f"✘ {_TITLES.get(kind, 'Une erreur est survenue')}"
            yield Static(said[:1].upper() + said[1:], id="sentence", markup=False)
            yield Static(f"Adresse : {self._credential.collector}", markup=False)
            yield Static("À essayer :")
            for hint in _HINTS.get(kind, ()):
                yield Static(f"• {hint}", classes="hint", markup=False)
            yield Static("r  réessayer     Échap  revenir     q  quitter", id="keys")
        yield Footer(show_command_palette=False)

    def action_refresh(self) -> None:
        """Try again."""
        self.dismiss(True)

    def action_back(self) -> None:
        """Go on without an answer."""
        self.dismiss(False)
