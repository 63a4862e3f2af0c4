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


ACTIONS = {
    "open_row": Action("enter", "Entrée", "ouvrir", "Ouvre la ligne choisie."),
    "filter": Action("slash", "/", "chercher", "Ne garde que les sites qui portent les mots tapés ; Échap rend tout."),
    "sort": Action("s", "s", "trier", "Trie par la colonne suivante ; la flèche montre laquelle."),
    "next_tab": Action("right", "→", "volet suivant", "Passe au volet suivant.", footer=False),
    "previous_tab": Action("left", "←", "volet précédent", "Passe au volet précédent.", footer=False),
    "refresh": Action("r", "r", "actualiser", "Demande de nouveau au collecteur ; après une panne, réessaie."),
    "back": Action("escape", "Échap", "retour", "Revient à ce qui précède."),
    "help": Action("question_mark,f1", "?", "aide", "Montre les touches et le sens des signes."),
    "command_palette": Action("ctrl+p", "Ctrl+P", "commandes", "Cherche une action par son nom.", footer=False),
    "quit": Action("q,ctrl+q", "q", "quitter", "Ferme Prérequis."),
}
"""By Textual action name: a screen that lists the name has a method action_<name>."""


def bindings(*names: str) -> list[BindingType]:
    """Return the key bindings of the actions named."""
    return [
        Binding(action.keys, name, action.label, key_display=action.shown, show=action.footer, tooltip=action.help)
        for name, action in ((name, ACTIONS[name]) for name in names)
    ]
