"""What to order, as printed: site by site, then in all."""

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from typing import TextIO

from rich.text import Text

from prerequis.v1 import ordering_pb2
from prerequis_tui import order, printed, wording
from prerequis_tui.wording import Tone

_NAMED_SITES = 8
_ARTICLE_COLUMNS = 46


def print_needs(needs: ordering_pb2.ListNeedsResponse, out: TextIO) -> None:
    """Write the needs of every site, their sum, and the sites of which nothing is known."""
    with printed.page(out) as console:
        if needs.lines:
            console.print(Text("\n").join(_lines(needs)), soft_wrap=True)
        else:
            console.print("Aucun besoin connu.")
        missing = needs.sites_not_measured
        if missing:
            many = wording.count(len(missing), "site non mesuré", "sites non mesurés")
            text = f"{many}, dont les besoins ne sont pas connus : {wording.some(missing, _NAMED_SITES)}"
            console.print()
            console.print(Text.assemble(printed.styled("? ", Tone.UNKNOWN), text))


def _lines(needs: ordering_pb2.ListNeedsResponse) -> Iterator[Text]:
    yield heading()
    to_order: Counter[str] = Counter()
    for (finess, name), lines in groupby(needs.lines, key=lambda line: (line.finess, line.site_name)):
        yield Text.assemble((f"{name}  ", "bold"), (finess, "dim"))
        for line in order.to_buy_first(lines):
            to_order[line.item_name or line.item] += line.to_order
            yield need_line(line)
    yield Text()
    total = [f"{wording.number(many)} × {name}" for name, many in to_order.most_common() if many]
    yield printed.styled("À commander en tout : ", Tone.STRONG) + (" ; ".join(total) if total else "rien de certain")


def heading() -> Text:
    """Return the titles of the columns of need_line."""
    quantities = f"{'CERTAIN':>8}{'POSSIBLE':>10}{'COMMANDÉ':>9}{'À COMMANDER':>12}"
    return printed.styled(f"  {'ARTICLE':<{_ARTICLE_COLUMNS}}{quantities}  ÉCHÉANCE", Tone.MUTED)


def need_line(line: ordering_pb2.NeedLine) -> Text:
    """Return one need as a line; an unbounded quantity is said, never zero."""
    name = line.item_name or line.item
    shown = name if len(name) <= _ARTICLE_COLUMNS else f"{name[: _ARTICLE_COLUMNS - 1]}…"
    possible = wording.number(line.possible) if line.HasField("possible") else wording.NOT_KNOWN
    return Text.assemble(
        f"  {shown:<{_ARTICLE_COLUMNS}}",
        f"{wording.number(line.certain):>8}{possible:>10}{wording.number(line.ordered):>9}",
        printed.styled(f"{wording.number(line.to_order):>12}", Tone.STRONG if line.to_order else Tone.MUTED),
        f"  {wording.day(line.deadline)}",
    )
