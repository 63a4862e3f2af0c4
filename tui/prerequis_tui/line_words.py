"""How a site's line is said in French: rates in both units, what counts and what does not."""

from collections.abc import Sequence
from datetime import datetime

from prerequis.v1 import context_pb2, facts_pb2, line_pb2, line_review_pb2
from prerequis_tui import wording
from prerequis_tui.wording import Tone, Word

Discard = line_review_pb2.LineMeasurement.Discard

DISCARDED: dict[Discard.ValueType, str] = {
    Discard.DISCARD_UNSPECIFIED: "compte",
    Discard.CONTENDED: "deux postes à la fois",
    Discard.UNFINISHED: "sans résultat",
    Discard.WEAK: "confiance faible",
    Discard.OVER_WIRELESS: "en Wi-Fi",
    Discard.ELSEWHERE: "par une autre box",
    Discard.OTHER_METHOD: "ancienne méthode",
    Discard.COPIED: "identité copiée",
}
"""Why a measurement counts or not."""

METHOD: dict[line_pb2.LineMethod.ValueType, str] = {
    line_pb2.LATENCY: "délai",
    line_pb2.SUFFICIENCY: "suffisance",
    line_pb2.CAPACITY: "capacité",
}

CONFIDENCE: dict[facts_pb2.Line.Confidence.ValueType, str] = {
    facts_pb2.Line.LOW: "faible",
    facts_pb2.Line.MEDIUM: "moyenne",
    facts_pb2.Line.HIGH: "forte",
}


def megabits(bits_per_second: float) -> str:
    """Return "20,0" for 20 Mbit/s."""
    return f"{bits_per_second / 1e6:.1f}".replace(".", ",")


def rate(bits_per_second: float) -> str:
    """Return "20,0 Mbit/s (2 500 Ko/s)", Ko of 1000 bytes."""
    return f"{megabits(bits_per_second)} Mbit/s ({wording.number(round(bits_per_second / 8000))} Ko/s)"


def milliseconds(seconds: float) -> str:
    """Return "35 ms"."""
    return "< 1 ms" if seconds < 0.0005 else f"{seconds * 1000:.0f} ms"


def down(measures: context_pb2.SiteMeasures) -> str:
    """Return what the line receives."""
    known = measures.HasField("down_bits_per_second")
    return _figure(measures.down_bits_per_second, measures.down_censored) if known else wording.NOT_KNOWN


def up(measures: context_pb2.SiteMeasures) -> str:
    """Return what the line sends."""
    known = measures.HasField("up_bits_per_second")
    return _figure(measures.up_bits_per_second, measures.up_censored) if known else wording.NOT_KNOWN


def _figure(bits_per_second: float, censored: bool) -> str:
    return f"{'au moins ' if censored else ''}{rate(bits_per_second)}"


def basis(measures: context_pb2.SiteMeasures) -> str:
    """Return what the figures rest on."""
    if not measures.line_results:
        return "aucune mesure qui compte"
    results = wording.count(measures.line_results, "mesure")
    if measures.line_provisional:
        return f"provisoire : {results}, heures de pointe de {measures.line_days} jour(s) sur 5"
    return f"atteint trois fois sur quatre aux heures de pointe de {measures.line_days} jours ({results})"


def users(summary: line_review_pb2.LineSummary) -> str:
    """Return how many users the line can carry at once: "au moins 12", or a dash when that is not known."""
    if not summary.HasField("users"):
        return "–"
    return f"{'au moins ' if summary.users_at_least else ''}{wording.number(summary.users)}"


def at_once(summary: line_review_pb2.LineSummary) -> str:
    """Return "au moins 12 utilisateurs à la fois"."""
    if not summary.HasField("users"):
        return "nombre d'utilisateurs à la fois non connu"
    at_least = "au moins " if summary.users_at_least else ""
    return f"{at_least}{wording.count(summary.users, 'utilisateur')} à la fois"


def to_do(summary: line_review_pb2.LineSummary) -> str:
    """Return what must be done about the line; empty when nothing must."""
    if summary.HasField("upgrade_bits_per_second"):
        both = " dans chaque sens" if summary.HasField("up_need_bits_per_second") else " en réception"
        return f"commander une ligne d'au moins {rate(summary.upgrade_bits_per_second)}{both}"
    if not summary.measures.line_results:
        return "« prerequis-agent measure » sur un poste câblé du site"
    return ""


def set_aside(summary: line_review_pb2.LineSummary) -> str:
    """Return how many measurements of the same days do not count, and why; empty when all do."""
    parts = []
    if summary.contentions:
        parts.append(f"{wording.count(summary.contentions, 'mesure')} de deux postes à la fois")
    if summary.discarded:
        why = "pour une autre raison" if summary.contentions else "(la colonne « Compte » dit pourquoi)"
        parts.append(f"{wording.count(summary.discarded, 'mesure')} {why}")
    return ", ".join(parts)


def by_hour(hours: Sequence[line_review_pb2.LineHour]) -> str:
    """Return what is received at each hour, in Mbit/s: "8 h (pointe) 7,1 ; 11 h 14,2"."""
    return " ; ".join(
        f"{hour.hour} h{' (pointe)' if hour.busy else ''} {megabits(hour.down_bits_per_second)}"
        for hour in hours
        if hour.HasField("down_bits_per_second")
    )


def state(summary: line_review_pb2.LineSummary) -> Word:
    """Return whether the line is enough for what the site needs, as far as that is known."""
    measures = summary.measures
    if not measures.HasField("down_bits_per_second"):
        return Word("–", "Non mesurée", Tone.MUTED)
    if summary.HasField("upgrade_bits_per_second"):
        return Word("✘", "Trop lente", Tone.BAD)
    if measures.line_provisional or not summary.HasField("down_need_bits_per_second"):
        return Word("?", "Provisoire" if measures.line_provisional else "Besoin non connu", Tone.UNKNOWN)
    pairs = [(measures.down_bits_per_second, summary.down_need_bits_per_second)]
    if summary.HasField("up_need_bits_per_second"):
        pairs.append((measures.up_bits_per_second, summary.up_need_bits_per_second))
    return (
        Word("✔", "Suffisante", Tone.GOOD)
        if all(found >= need for found, need in pairs)
        else Word("?", "À confirmer", Tone.UNKNOWN)
    )


def counts(measurement: line_review_pb2.LineMeasurement) -> str:
    """Return whether a measurement counts, or why not."""
    return DISCARDED.get(measurement.discard, "ne compte pas")


def found(line: facts_pb2.Line, direction: str) -> float | None:
    """Return the rate of one direction of a result, or None."""
    part = line.down if direction == "down" else line.up
    if part.HasField("bits_per_second"):
        return part.bits_per_second
    known = {field.name: value for field, value in line.ListFields()}
    return known.get(f"{direction}_bits_per_second")


def found_text(line: facts_pb2.Line, direction: str) -> str:
    """Return the rate of one direction in Mbit/s, "≥" before a lower bound; a dash when there is none."""
    figure = found(line, direction)
    if figure is None:
        return "–"
    part = line.down if direction == "down" else line.up
    lower = part.stop == line_pb2.PROVEN or (part.censored if part.HasField("censored") else line.censored)
    return f"{'≥ ' if lower else ''}{megabits(figure)}"


def local(measurement: line_review_pb2.LineMeasurement) -> str:
    """Return the moment on the site's clock as jj/mm/aaaa hh:mm."""
    return datetime.fromisoformat(measurement.local_time).strftime("%d/%m/%Y %H:%M") if measurement.local_time else ""
