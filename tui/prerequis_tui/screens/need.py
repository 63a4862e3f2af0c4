"""Shows one need: how many, what is ordered already, and why."""

from collections.abc import Iterator

from prerequis.v1 import ordering_pb2
from prerequis_tui import wording
from prerequis_tui.credential import Credential
from prerequis_tui.screens.sheet import SheetScreen
from prerequis_tui.widgets.sheet import Part
from prerequis_tui.widgets.tones import toned
from prerequis_tui.wording import Tone


class NeedScreen(SheetScreen):
    """One article for one site."""

    HELP = "« Certain » ne compte que ce qui a été constaté ; « possible » compte aussi ce qui est inconnu."

    def __init__(self, credential: Credential, site: str, line: ordering_pb2.NeedLine) -> None:
        super().__init__(credential, site, line.item_name or line.item, parts(line))


def parts(line: ordering_pb2.NeedLine) -> Iterator[Part]:
    """Return the labelled parts of a need."""
    yield Part("À commander", toned(wording.number(line.to_order), Tone.STRONG))
    yield Part("Certain", wording.number(line.certain))
    yield Part("Possible", wording.number(line.possible) if line.HasField("possible") else wording.NOT_KNOWN)
    yield Part("Commandé", wording.number(line.ordered))
    yield Part("Échéance", wording.day(line.deadline) or "aucune")
    for number, reason in enumerate(line.reasons):
        yield Part("Motifs" if number == 0 else "", f"• {reason}")
    yield Part("Article", toned(line.item, Tone.MUTED))
    yield Part("Commande", f"prerequis order add {line.finess} {line.item} QUANTITÉ --reference RÉFÉRENCE")
