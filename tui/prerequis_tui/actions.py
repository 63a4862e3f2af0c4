"""Every action that a key can reach, once: the footer, the help and the command palette are made from this table."""

from dataclasses import dataclass

from textual.binding import Binding, BindingType


@dataclass(frozen=True, slots=True)
class Action:
    """What a key does, in French."""

    keys: str
    """Textual's names of the keys, separated by commas."""
    shown: str
    label: str
    """For the footer: one or two words."""
    help: str
    """For the help: one sentence."""
    footer: bool = True
    of_app: bool = False
    """The application acts, whatever screen is in front."""


ACTIONS = {
    "open_row": Action("enter", "Entrée", "ouvrir", "Ouvre la ligne choisie."),
    "filter": Action("slash", "/", "chercher", "Ne garde que ce qui porte les mots tapés ; Échap rend tout."),
    "sort": Action("s", "s", "trier", "Trie par la colonne suivante ; la flèche montre laquelle."),
    "next_tab": Action("right", "→", "volet suivant", "Passe au volet suivant.", footer=False),
    "previous_tab": Action("left", "←", "volet précédent", "Passe au volet précédent.", footer=False),
    "refresh": Action("r", "r", "actualiser", "Demande de nouveau au collecteur."),
    "back": Action("escape", "Échap", "retour", "Revient à ce qui précède."),
    "help": Action("question_mark,f1", "?", "aide", "Montre les touches et le sens des signes.", of_app=True),
    "command_palette": Action(
        "ctrl+p", "Ctrl+P", "commandes", "Cherche une action par son nom.", footer=False, of_app=True
    ),
    "quit": Action("q,ctrl+q", "q", "quitter", "Ferme Prérequis.", of_app=True),
}
"""By Textual action name: a screen that lists the name has a method action_<name>."""


def bindings(*names: str) -> list[BindingType]:
    """Return the key bindings of the actions named."""
    return [_binding(name, ACTIONS[name]) for name in names]


def _binding(name: str, action: Action) -> Binding:
    target = f"app.{name}" if action.of_app else name
    return Binding(action.keys, target, action.label, key_display=action.shown, show=action.footer, tooltip=action.help)
