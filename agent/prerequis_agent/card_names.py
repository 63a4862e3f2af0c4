"""Names cards and readers for the technician who plugs them in, from the lists of `prerequis_rules`."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from prerequis.v1.facts_pb2 import Facts
from prerequis_rules.derive import card_of, derive
from prerequis_rules.knowledge import Knowledge
from prerequis_rules.load import load_knowledge


@dataclass(frozen=True, slots=True)
class NamedCard:
    """What a card is, and in French what to do."""

    kind: str
    name: str
    is_cpx: bool | None
    """None: it bears the mark of the ANS, with a generation that is not listed."""
    advice: str


def name_of(atr: bytes) -> NamedCard:
    """Return what an answer to reset says of a card; any bytes have a name."""
    card = card_of(atr, _knowledge())
    is_cpx = card.is_cpx if card.HasField("is_cpx") else None
    return NamedCard(card.kind, card.name, is_cpx, _advice(card.kind, card.name, is_cpx))


def unseen_readers(facts: Facts) -> Iterator[str]:
    """Give for each reader that PC/SC does not show a French sentence: which one, why, what to do."""
    for reader in derive(facts, _knowledge(), datetime.now(UTC)).readers:
        if reader.HasField("unseen_cause"):
            model = reader.model or "modèle hors liste"
            yield f"Lecteur branché mais pas vu par PC/SC : {model} ({reader.unseen_cause}). {reader.unseen_remedy}"


@cache
def _knowledge() -> Knowledge:
    return load_knowledge()


def _advice(kind: str, name: str, is_cpx: bool | None) -> str:
    if kind == "cps2ter":
        return "Cette carte CPS2ter est retirée du service : la faire renouveler."
    if is_cpx:
        return f"Carte {name}."
    if is_cpx is None:
        return "CPx probable, ATR inconnu : la compter, et signaler cette carte pour compléter la liste."
    if name == "autre carte":
        return "Cette carte n'est pas une CPx : insérez votre carte CPS/CPE."
    article = "un" if name.startswith("passeport") else "une"
    return f"Ceci est {article} {name}, insérez votre carte CPS/CPE."
