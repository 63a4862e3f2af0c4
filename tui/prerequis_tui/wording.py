"""How values are said in French: readiness, verdicts, scores, dates, quantities.

Each verdict has a symbol, so that colour is never the only carrier of meaning.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from google.protobuf.timestamp_pb2 import Timestamp

from prerequis.v1 import judgement_pb2, report_pb2, review_pb2

Readiness = judgement_pb2.Readiness
Verdict = judgement_pb2.Judgement.Verdict


class Tone(StrEnum):
    """What a text makes the reader feel; the front end gives it a colour."""

    GOOD = "good"
    BAD = "bad"
    WARNING = "warning"
    UNKNOWN = "unknown"
    MUTED = "muted"
    PLAIN = "plain"
    STRONG = "strong"


@dataclass(frozen=True, slots=True)
class Word:
    """A value as a person reads it."""

    symbol: str
    text: str
    tone: Tone


READINESS: dict[judgement_pb2.Readiness.ValueType, Word] = {
    Readiness.NOT_READY: Word("✘", "Pas prêt", Tone.BAD),
    Readiness.INSUFFICIENT_DATA: Word("?", "Données insuffisantes", Tone.UNKNOWN),
    Readiness.READY_WITH_RESERVATIONS: Word("!", "Prêt avec réserves", Tone.WARNING),
    Readiness.READY: Word("✔", "Prêt", Tone.GOOD),
    Readiness.READINESS_UNSPECIFIED: Word("–", "Non jugé", Tone.MUTED),
}
"""Worst first; what was not judged comes last."""

DECLARED_NOT_READY = Word("✘", "Pas prêt (registre)", Tone.BAD)
"""Of a site that no machine has told of: its register, or what was answered, suffices to say so."""

VERDICT: dict[judgement_pb2.Judgement.Verdict.ValueType, Word] = {
    Verdict.FAIL: Word("✘", "Non conforme", Tone.BAD),
    Verdict.UNKNOWN: Word("?", "Inconnu", Tone.UNKNOWN),
    Verdict.PASS: Word("✔", "Conforme", Tone.GOOD),
    Verdict.NOT_APPLICABLE: Word("–", "Sans objet", Tone.MUTED),
    Verdict.VERDICT_UNSPECIFIED: Word("?", "Inconnu", Tone.UNKNOWN),
}

WAIVED = Word("~", "Dérogation", Tone.WARNING)

LEVEL = {"blocking": "bloquant", "major": "majeur", "minor": "mineur", "info": "information"}
"""Heaviest first."""

ROLE = {
    report_pb2.Workstation.CARE: "soin",
    report_pb2.Workstation.SECRETARIAT: "secrétariat",
    report_pb2.Workstation.SUPPORT: "support",
    report_pb2.Workstation.MANAGEMENT: "direction",
    report_pb2.Workstation.OTHER: "autre",
    report_pb2.Workstation.ROLE_UNSPECIFIED: "non déclaré",
}

NOT_KNOWN = "non connu"


def readiness(site: review_pb2.SiteSummary) -> Word:
    """Return how a site stands, and for one that nobody has seen that only its register says so."""
    if site.readiness == Readiness.NOT_READY and not site.workstations:
        return DECLARED_NOT_READY
    return READINESS[site.readiness]


def percent(value: float) -> str:
    """Return a percentage without its sign, at most one decimal, cut and never rounded up: 99.96 is "99,9"."""
    tenths = int(value * 10 + 1e-6)
    whole, rest = divmod(tenths, 10)
    return f"{whole},{rest}" if rest else f"{whole}"


def score_range(score: judgement_pb2.Score) -> str:
    """Return "62 à 87 %", or "non calculable" when either end is unset."""
    if not (score.HasField("low") and score.HasField("high")):
        return "non calculable"
    low, high = percent(score.low), percent(score.high)
    return f"{low} %" if low == high else f"{low} à {high} %"


def score(value: judgement_pb2.Score) -> str:
    """Return "62 à 87 % (72 % vérifié)"."""
    if not value.HasField("coverage"):
        return "non calculable"
    return f"{score_range(value)} ({percent(value.coverage)} % vérifié)"


def moment(timestamp: Timestamp) -> datetime | None:
    """Return the moment in local time, or None when it is unset."""
    if not (timestamp.seconds or timestamp.nanos):
        return None
    return timestamp.ToDatetime(tzinfo=UTC).astimezone()


def day(timestamp: Timestamp) -> str:
    """Return jj/mm/aaaa of a calendar day, which is kept as midnight UTC; empty when unset."""
    return timestamp.ToDatetime(tzinfo=UTC).strftime("%d/%m/%Y") if timestamp.seconds else ""


def clock(timestamp: Timestamp) -> str:
    """Return jj/mm/aaaa hh:mm in local time, or "jamais"."""
    local = moment(timestamp)
    return local.strftime("%d/%m/%Y %H:%M") if local else "jamais"


def date(timestamp: Timestamp) -> str:
    """Return jj/mm/aaaa of a moment in local time; empty when unset."""
    local = moment(timestamp)
    return local.strftime("%d/%m/%Y") if local else ""


def iso(timestamp: Timestamp) -> str | None:
    """Return the moment as ISO 8601 in UTC, or None when it is unset."""
    known = moment(timestamp)
    return known.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if known else None


def iso_day(timestamp: Timestamp) -> str | None:
    """Return a calendar day as ISO 8601, or None when it is unset."""
    return timestamp.ToDatetime(tzinfo=UTC).date().isoformat() if timestamp.seconds else None


def lot_days(lot: review_pb2.LotGoals) -> str:
    """Return by when the sites of a lot must be ready, and until when usages are measured."""
    return f"Prêt pour le {day(lot.opens)} ; usages mesurés jusqu'au {day(lot.closes)}."


def number(value: int) -> str:
    """Return the number with French spacing of thousands."""
    return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def count(many: int, one: str, several: str = "") -> str:
    """Return "1 site", "12 sites", by the French plural: 0 and 1 are singular."""
    return f"{number(many)} {one if abs(many) < 2 else several or one + 's'}"


def some(names: Sequence[str], most: int) -> str:
    """Return the names joined, and how many more there are beyond `most`."""
    shown = ", ".join(names[:most])
    return f"{shown} et {len(names) - most} de plus" if len(names) > most else shown


def being_judged(many: int) -> str:
    """Return "12 sites sont en cours d'évaluation"; empty when none is."""
    verb = "est" if many < 2 else "sont"
    return f"{count(many, 'site')} {verb} en cours d'évaluation" if many else ""


def today() -> Timestamp:
    """Return this calendar day as the collector keeps it: its midnight UTC."""
    now, day = datetime.now(UTC), Timestamp()
    day.FromDatetime(now.replace(hour=0, minute=0, second=0, microsecond=0))
    return day


def still_judged(sites: Iterable[review_pb2.SiteSummary], many: int, this_day: Timestamp) -> str:
    """Return that so many sites are being judged, and of when the oldest lines are where that is another day.

    Empty when none is being judged.
    """
    if not many:
        return ""
    days = [site.judged_on for site in sites if site.judged_on.seconds]
    oldest = min(days, key=lambda day: day.seconds, default=this_day)
    since = f" ; les lignes les plus anciennes sont du {day(oldest)}" if oldest != this_day else ""
    return f"{being_judged(many)}{since}"
