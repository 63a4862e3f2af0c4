"""Shows one parameter of a site, who settled it and why; or one usage that its lot must reach."""

from collections.abc import Iterator

from prerequis.v1 import review_pb2
from prerequis_tui import wording
from prerequis_tui.credential import Credential
from prerequis_tui.screens.sheet import SheetScreen
from prerequis_tui.widgets.setting_list import Goal, Parameter, Setting, wanted
from prerequis_tui.widgets.sheet import Part
from prerequis_tui.widgets.tones import toned
from prerequis_tui.wording import Tone


class SettingScreen(SheetScreen):
    """One line of what is settled for a site."""

    HELP = "Ce que les sources laissent ouvert : le profil le dit, ou le site pour lui-même, avec sa raison."

    def __init__(
        self, credential: Credential, site: str, finess: str, setting: Setting, lot: review_pb2.LotGoals
    ) -> None:
        if isinstance(setting, Parameter):
            super().__init__(credential, site, setting.name, of_parameter(setting, finess))
        else:
            super().__init__(credential, site, lot.title, of_goal(setting, lot))


def of_parameter(one: Parameter, finess: str) -> Iterator[Part]:
    """Return the labelled parts of a parameter."""
    yield Part("Sens", one.meaning)
    yield Part("Valeur", toned(one.value or wording.NOT_KNOWN, Tone.STRONG if one.value else Tone.UNKNOWN))
    if one.HasField("settled_at"):
        yield Part("Profil", one.profile_value or toned(wording.NOT_KNOWN, Tone.UNKNOWN))
        yield Part("Réglé par", f"{one.author}, le {wording.date(one.settled_at)}")
        yield Part("Pourquoi", one.reason)
        yield Part("Revenir", f"prerequis parameter {finess} {one.name} --reset --reason TEXTE")
    else:
        yield Part("", "C'est la valeur du profil." if one.value else "Le profil ne le dit pas.")
    yield Part("Régler", f"prerequis parameter {finess} {one.name} VALEUR --reason TEXTE")


def of_goal(goal: Goal, lot: review_pb2.LotGoals) -> Iterator[Part]:
    """Return the labelled parts of a usage."""
    yield Part("Usage", goal.title)
    yield Part("Cible", toned(wanted(goal), Tone.STRONG))
    yield Part("", "de la file active")
    yield Part("Quand", wording.lot_days(lot))
    yield Part("Source", toned(lot.source, Tone.MUTED))
