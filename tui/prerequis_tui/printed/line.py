"""A site's line, and the lines of all sites, as printed."""

from collections.abc import Iterator, Sequence
from typing import TextIO

from rich.text import Text

from prerequis.v1 import line_review_pb2
from prerequis_tui import line_words, printed, wording
from prerequis_tui.printed.table import Column, Table
from prerequis_tui.wording import Tone

_SHOWN = 20
_BAR_COLUMNS = 24


def print_line(line: line_review_pb2.GetLineResponse, out: TextIO) -> None:
    """Write what the line carries, hour by hour, and its newest measurements."""
    with printed.page(out) as console:
        console.print(Text("\n").join(_head(line.summary)), soft_wrap=True)
        if line.hours:
            console.print()
            console.print(Text("\n").join(_hours(line.hours)), soft_wrap=True)
        if line.measurements:
            console.print()
            console.print(Text("\n").join(_measurements(line.measurements)), soft_wrap=True)


def print_lines(lines: Sequence[line_review_pb2.LineSummary], out: TextIO) -> None:
    """Write one line of text for each site."""
    with printed.page(out) as console:
        table = Table(_COLUMNS, lines, console)
        console.print(Text("\n").join([table.heading(), *map(table.line, lines)]), soft_wrap=True)
        console.print()
        console.print("Débits en Mbit/s ; 1 Mbit/s = 125 Ko/s. « ≥ » : au moins.")


def _head(summary: line_review_pb2.LineSummary) -> Iterator[Text]:
    measures, word = summary.measures, line_words.state(summary)
    yield Text.assemble((f"{summary.name}  ", "bold"), (summary.finess, "dim"), "  ", printed.worded(word))
    yield Text(f"Réception     {line_words.down(measures)}")
    yield Text(f"Émission      {line_words.up(measures)}")
    if measures.HasField("rtt_seconds"):
        yield Text(f"Délai         {line_words.milliseconds(measures.rtt_seconds)}")
    need = line_words.rate(summary.down_need_bits_per_second) if summary.HasField("down_need_bits_per_second") else ""
    yield Text(f"Besoin        {need or wording.NOT_KNOWN}")
    yield Text(f"Elle porte    {line_words.at_once(summary)}")
    yield Text(f"Fondé sur     {line_words.basis(measures)}")
    if to_do := line_words.to_do(summary):
        yield printed.styled(f"À faire       {to_do}", Tone.STRONG)
    if aside := line_words.set_aside(summary):
        yield Text(f"Écartées      {aside}")


def _hours(hours: Sequence[line_review_pb2.LineHour]) -> Iterator[Text]:
    yield printed.styled(f"{'HEURE':<7}{'MESURES':>7}{'REÇOIT':>10}{'ÉMET':>9}{'DÉLAI':>9}", Tone.MUTED)
    most = max((hour.down_bits_per_second for hour in hours), default=0.0)
    for hour in hours:
        down = line_words.megabits(hour.down_bits_per_second) if hour.HasField("down_bits_per_second") else "–"
        up = line_words.megabits(hour.up_bits_per_second) if hour.HasField("up_bits_per_second") else "–"
        delay = line_words.milliseconds(hour.rtt_seconds) if hour.HasField("rtt_seconds") else "–"
        bar = "█" * round(_BAR_COLUMNS * hour.down_bits_per_second / most) if most else ""
        busy = "  pointe" if hour.busy else ""
        yield Text(f"{hour.hour:>2} h   {hour.results:>7}{down:>10}{up:>9}{delay:>9}  {bar}{busy}")


def _measurements(measurements: Sequence[line_review_pb2.LineMeasurement]) -> Iterator[Text]:
    heading = f"{'HEURE DU SITE':<16}  {'POSTE':<18}  {'MÉTHODE':<11}{'REÇOIT':>9}{'ÉMET':>9}{'DÉLAI':>8}  COMPTE"
    yield printed.styled(heading, Tone.MUTED)
    for one in measurements[:_SHOWN]:
        down, up = line_words.found_text(one.result, "down"), line_words.found_text(one.result, "up")
        delay = line_words.milliseconds(one.result.rtt_seconds) if one.result.HasField("rtt_seconds") else "–"
        name = one.workstation_name if len(one.workstation_name) <= 18 else f"{one.workstation_name[:17]}…"
        text = f"{line_words.local(one):<16}  {name:<18}  {line_words.METHOD.get(one.method, '–'):<11}"
        tone = Tone.MUTED if one.HasField("discard") else Tone.PLAIN
        yield printed.styled(f"{text}{down:>9}{up:>9}{delay:>8}  {line_words.counts(one)}", tone)
    if len(measurements) > _SHOWN:
        yield Text(f"et {len(measurements) - _SHOWN} de plus : ajouter --format csv ou --json")


def _state(line: line_review_pb2.LineSummary) -> str:
    word = line_words.state(line)
    return f"{word.symbol} {word.text}"


def _down(line: line_review_pb2.LineSummary) -> str:
    measures = line.measures
    return _short(measures.down_bits_per_second, measures.down_censored, measures.HasField("down_bits_per_second"))


def _up(line: line_review_pb2.LineSummary) -> str:
    measures = line.measures
    return _short(measures.up_bits_per_second, measures.up_censored, measures.HasField("up_bits_per_second"))


def _need(line: line_review_pb2.LineSummary) -> str:
    return _short(line.down_need_bits_per_second, False, line.HasField("down_need_bits_per_second"))


def _short(bits_per_second: float, censored: bool, known: bool) -> str:
    return f"{'≥ ' if censored else ''}{line_words.megabits(bits_per_second)}" if known else "–"


_COLUMNS: Sequence[Column[line_review_pb2.LineSummary]] = (
    Column("FINESS", lambda line: line.finess, 9),
    Column("SITE", lambda line: line.name, least=12),
    Column("LIGNE", _state, 17, tone=lambda line: line_words.state(line).tone, least=12),
    Column("REÇOIT", _down, 8, right=True, from_width=50),
    Column("ÉMET", _up, 8, right=True, from_width=90),
    Column("BESOIN", _need, 8, right=True, from_width=60),
    Column("UTILISATEURS", line_words.users, from_width=76),
)
