"""What to order, as printed: site by site, then in all."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TextIO

from rich.console import Console
from rich.text import Text

from prerequis.v1 import ordering_pb2
from prerequis_tui import order, printed, wording
from prerequis_tui.printed.table import Column, Table
from prerequis_tui.wording import Tone

_NAMED_SITES = 8


def print_needs(needs: ordering_pb2.ListNeedsResponse, out: TextIO) -> None:
    """Write the needs of every site, their sum, the sites of which nothing is known, and that some are being judged."""
    with printed.page(out) as console:
        if needs.lines:
            console.print(Text("\n").join(_lines(needs, needs_table(needs.lines, console))), soft_wrap=True)
        else:
            console.print("Aucun besoin connu.")
        missing = needs.sites_not_measured
        if missing:
            many = wording.count(len(missing), "site non mesuré", "sites non mesurés")
            text = f"{many}, dont les besoins ne sont pas connus : {wording.some(missing, _NAMED_SITES)}"
            console.print()
            console.print(Text.assemble(printed.styled("? ", Tone.UNKNOWN), text))
        if needs.being_judged:
            said = f"? {wording.being_judged(needs.being_judged)} : relancer dans un instant."
            console.print()
            console.print(printed.styled(said, Tone.UNKNOWN))


def _lines(needs: ordering_pb2.ListNeedsResponse, table: Table[ordering_pb2.NeedLine]) -> Iterator[Text]:
    yield table.heading()
    to_order: Counter[str] = Counter()
    for (finess, name), lines in groupby(needs.lines, key=lambda line: (line.finess, line.site_name)):
        yield Text.assemble((f"{name}  ", "bold"), (finess, "dim"))
        for line in order.to_buy_first(lines):
            to_order[line.item_name or line.item] += line.to_order
            yield table.line(line)
    yield Text()
    total = [f"{wording.number(many)} × {name}" for name, many in to_order.most_common() if many]
    yield printed.styled("À commander en tout : ", Tone.STRONG) + (" ; ".join(total) if total else "rien de certain")


def needs_table(lines: Sequence[ordering_pb2.NeedLine], console: Console) -> Table[ordering_pb2.NeedLine]:
    """Return the table of needs; an unbounded quantity is said, never zero."""
    return Table(_COLUMNS, lines, console, indent=2)


def _possible(line: ordering_pb2.NeedLine) -> str:
    return wording.number(line.possible) if line.HasField("possible") else wording.NOT_KNOWN


_COLUMNS: Sequence[Column[ordering_pb2.NeedLine]] = (
    Column("ARTICLE", lambda line: line.item_name or line.item, least=20),
    Column("CERTAIN", lambda line: wording.number(line.certain), right=True, from_width=50),
    Column("POSSIBLE", _possible, 9, right=True, from_width=50),
    Column("COMMANDÉ", lambda line: wording.number(line.ordered), right=True, from_width=90),
    Column(
        "À COMMANDER",
        lambda line: wording.number(line.to_order),
        right=True,
        tone=lambda line: Tone.STRONG if line.to_order else Tone.MUTED,
    ),
    Column("ÉCHÉANCE", lambda line: wording.day(line.deadline), 10, from_width=70),
)
