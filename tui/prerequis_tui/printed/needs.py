"""What to order, as printed."""

from collections.abc import Sequence
from typing import TextIO

from rich.table import Table
from rich.text import Text

from prerequis.v1 import ordering_pb2
from prerequis_tui import printed, wording
from prerequis_tui.wording import Tone

_NAMED_SITES = 8


def print_needs(needs: ordering_pb2.ListNeedsResponse, out: TextIO) -> None:
    """Write the needs of every site, then the sites of which nothing is known."""
    with printed.page(out) as console:
        if needs.lines:
            console.print(need_table(needs.lines, with_site=True))
        else:
            console.print("Aucun besoin connu.")
        missing = needs.sites_not_measured
        if missing:
            many = wording.count(len(missing), "site non mesuré", "sites non mesurés")
            text = f"{many}, dont les besoins ne sont pas connus : {wording.some(missing, _NAMED_SITES)}"
            console.print()
            console.print(Text.assemble(printed.styled("? ", Tone.UNKNOWN), text))


def need_table(lines: Sequence[ordering_pb2.NeedLine], *, with_site: bool) -> Table:
    """Return the needs as a table; an unbounded quantity is said, never zero."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    if with_site:
        table.add_column("FINESS", no_wrap=True)
        table.add_column("Site", ratio=2)
    table.add_column("Article", ratio=3)
    for heading in ("Certain", "Possible", "Commandé", "À commander"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("Échéance", no_wrap=True)
    for line in lines:
        tone = Tone.STRONG if line.to_order else Tone.MUTED
        table.add_row(
            *((line.finess, line.site_name) if with_site else ()),
            line.item_name or line.item,
            str(line.certain),
            str(line.possible) if line.HasField("possible") else wording.NOT_KNOWN,
            str(line.ordered),
            printed.styled(str(line.to_order), tone),
            wording.day(line.deadline),
        )
    return table
