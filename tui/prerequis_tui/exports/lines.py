"""The lines of sites, and the measurements of one, as tables."""

from collections.abc import Sequence
from datetime import datetime

from prerequis.v1 import line_review_pb2
from prerequis_tui import line_words, wording
from prerequis_tui.exports.table import Cell, Table

_LINES = {
    "FINESS": 12,
    "Site": 32,
    "État": 18,
    "Réception (Mbit/s)": 12,
    "Réception (Ko/s)": 12,
    "Réception : au moins": 12,
    "Émission (Mbit/s)": 12,
    "Émission (Ko/s)": 12,
    "Émission : au moins": 12,
    "Délai (ms)": 10,
    "Besoin (Mbit/s)": 12,
    "Utilisateurs à la fois": 12,
    "Nouvelle ligne : au moins (Mbit/s)": 14,
    "Provisoire": 11,
    "Jours de pointe mesurés": 12,
    "Mesures comptées": 11,
    "Deux postes à la fois": 11,
    "Autres mesures écartées": 11,
    "Dernière mesure": 18,
}
_MEASUREMENTS = {
    "FINESS": 12,
    "Site": 32,
    "Heure du site": 18,
    "Poste": 20,
    "Méthode": 12,
    "Demandée par une personne": 13,
    "Heure de pointe": 10,
    "Réception (Mbit/s)": 12,
    "Réception (Ko/s)": 12,
    "Émission (Mbit/s)": 12,
    "Émission (Ko/s)": 12,
    "Délai (ms)": 10,
    "Confiance": 11,
    "Compte": 24,
    "Octets": 12,
}


def lines_table(lines: Sequence[line_review_pb2.LineSummary]) -> Table:
    """Return one row for each site."""
    return Table("Lignes", tuple(_LINES), tuple(_LINES.values()), [_line(line) for line in lines])


def measurements_table(line: line_review_pb2.GetLineResponse) -> Table:
    """Return one row for each measurement of a site, the newest first."""
    rows = [_measurement(line.summary, one) for one in line.measurements]
    return Table("Mesures", tuple(_MEASUREMENTS), tuple(_MEASUREMENTS.values()), rows)


def _line(line: line_review_pb2.LineSummary) -> Sequence[Cell]:
    measures = line.measures
    down = measures.down_bits_per_second if measures.HasField("down_bits_per_second") else None
    up = measures.up_bits_per_second if measures.HasField("up_bits_per_second") else None
    need = line.down_need_bits_per_second if line.HasField("down_need_bits_per_second") else None
    upgrade = line.upgrade_bits_per_second if line.HasField("upgrade_bits_per_second") else None
    return (
        line.finess,
        line.name,
        line_words.state(line).text,
        _megabits(down),
        _kilobytes(down),
        _yes(measures.down_censored, measures.HasField("down_censored")),
        _megabits(up),
        _kilobytes(up),
        _yes(measures.up_censored, measures.HasField("up_censored")),
        _milliseconds(measures.rtt_seconds if measures.HasField("rtt_seconds") else None),
        _megabits(need),
        line.users if line.HasField("users") else None,
        _megabits(upgrade),
        _yes(measures.line_provisional, measures.HasField("line_provisional")),
        measures.line_days,
        measures.line_results,
        line.contentions,
        line.discarded,
        wording.moment(line.last_measured),
    )


def _measurement(summary: line_review_pb2.LineSummary, one: line_review_pb2.LineMeasurement) -> Sequence[Cell]:
    result = one.result
    down, up = line_words.found(result, "down"), line_words.found(result, "up")
    return (
        summary.finess,
        summary.name,
        datetime.fromisoformat(one.local_time) if one.local_time else None,
        one.workstation_name,
        line_words.METHOD.get(one.method, ""),
        _yes(one.attended),
        _yes(one.busy_hour),
        _megabits(down),
        _kilobytes(down),
        _megabits(up),
        _kilobytes(up),
        _milliseconds(result.rtt_seconds if result.HasField("rtt_seconds") else None),
        line_words.CONFIDENCE.get(result.confidence, ""),
        line_words.counts(one),
        one.bytes,
    )


def _megabits(bits_per_second: float | None) -> float | None:
    return None if bits_per_second is None else round(bits_per_second / 1e6, 3)


def _kilobytes(bits_per_second: float | None) -> int | None:
    return None if bits_per_second is None else round(bits_per_second / 8000)


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)


def _yes(value: bool, known: bool = True) -> str:
    return ("oui" if value else "non") if known else ""
