"""The measurements of a site's line, the newest first, under what the line carries."""

from collections.abc import Iterator, Sequence

from prerequis.v1 import line_review_pb2
from prerequis_tui import line_words
from prerequis_tui.widgets.line_list import Column, Heading, LineList, Spans
from prerequis_tui.wording import Tone

Measurement = line_review_pb2.LineMeasurement


def _tone(one: Measurement) -> Tone:
    return Tone.MUTED if one.HasField("discard") else Tone.PLAIN


def _rate(one: Measurement, direction: str) -> Spans:
    return [(line_words.found_text(one.result, direction), _tone(one))]


def _delay(one: Measurement) -> Spans:
    known = one.result.HasField("rtt_seconds")
    return [(line_words.milliseconds(one.result.rtt_seconds) if known else "–", _tone(one))]


_COLUMNS: Sequence[Column[Measurement]] = (
    Column("Heure du site", lambda one: [(line_words.local(one), _tone(one))], 16),
    Column("Poste", lambda one: [(one.workstation_name, _tone(one))]),
    Column("Méthode", lambda one: [(line_words.METHOD.get(one.method, "–"), Tone.MUTED)], 10, from_width=84),
    Column("Reçoit", lambda one: _rate(one, "down"), 7, right=True),
    Column("Émet", lambda one: _rate(one, "up"), 7, right=True),
    Column("Délai", _delay, 7, right=True, from_width=84),
    Column("Compte", lambda one: [(line_words.counts(one), _tone(one))], 21, from_width=64),
)


class MeasurementList(LineList[Measurement]):
    """One line for each measurement."""

    def __init__(self, *, id: str) -> None:
        empty = "La ligne n'a pas été mesurée : sur un poste câblé du site, lancer « prerequis-agent measure »."
        super().__init__(_COLUMNS, lambda one: f"{one.workstation_id}{one.local_time}", empty, id=id)

    def fill(self, line: line_review_pb2.GetLineResponse) -> None:
        """List the measurements of the site."""
        self.show([*headings(line), *line.measurements] if line.measurements else [])


def headings(line: line_review_pb2.GetLineResponse) -> Iterator[Heading]:
    """Return what the line carries, in lines that fit the smallest terminal."""
    summary, word = line.summary, line_words.state(line.summary)
    said = [f"{word.symbol} {word.text}"]
    if summary.HasField("down_need_bits_per_second"):
        said.append(f"besoin {line_words.megabits(summary.down_need_bits_per_second)} Mbit/s")
    if summary.HasField("users"):
        said.append(line_words.at_once(summary))
    yield Heading(" ; ".join(said), word.tone)
    if summary.measures.line_results:
        yield Heading(f"Reçoit {line_words.down(summary.measures)}")
        yield Heading(f"Émet {line_words.up(summary.measures)}")
    yield Heading(line_words.basis(summary.measures).capitalize(), Tone.MUTED)
    if hours := line_words.by_hour(line.hours):
        yield Heading(f"Reçoit par heure, en Mbit/s : {hours}", Tone.MUTED)
    if aside := line_words.set_aside(summary):
        yield Heading(f"Écartées : {aside}", Tone.MUTED)
    if to_do := line_words.to_do(summary):
        yield Heading(f"À faire : {to_do}", Tone.WARNING)
