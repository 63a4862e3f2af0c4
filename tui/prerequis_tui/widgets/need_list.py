"""What a site needs to buy."""

from collections.abc import Sequence

from prerequis.v1 import ordering_pb2
from prerequis_tui import order, wording
from prerequis_tui.widgets.line_list import Column, Heading, LineList, Spans
from prerequis_tui.wording import Tone

Need = ordering_pb2.NeedLine


def _number(value: int) -> Spans:
    return [(wording.number(value), Tone.PLAIN)]


def _possible(line: Need) -> Spans:
    return _number(line.possible) if line.HasField("possible") else [(wording.NOT_KNOWN, Tone.UNKNOWN)]


_COLUMNS: Sequence[Column[Need]] = (
    Column("Article", lambda line: [(line.item_name or line.item, Tone.PLAIN)]),
    Column("Certain", lambda line: _number(line.certain), 7, right=True),
    Column("Possible", _possible, 9, right=True),
    Column("Commandé", lambda line: _number(line.ordered), 8, right=True, from_width=70),
    Column("À commander", lambda line: [(wording.number(line.to_order), Tone.STRONG)], 11, right=True),
    Column("Échéance", lambda line: [(wording.day(line.deadline), Tone.MUTED)], 10, from_width=84),
)


_NOT_MEASURED = "Rien n'a été mesuré : les besoins ne sont pas nuls, ils ne sont pas connus."


class NeedList(LineList[Need]):
    """One line for each article."""

    def __init__(self, *, id: str) -> None:
        super().__init__(_COLUMNS, lambda line: line.item, "Rien à commander d'après ce qui est connu.", id=id)

    def fill(self, needs: ordering_pb2.ListNeedsResponse) -> None:
        """List the needs, what is to be ordered first; of a site that was not measured, none does not mean nil."""
        headings = []
        if needs.sites_not_measured:
            self.empty = _NOT_MEASURED
            headings.append(Heading(_NOT_MEASURED, Tone.UNKNOWN))
        if needs.being_judged:
            still = f"? {wording.being_judged(needs.being_judged)} : r pour actualiser."
            headings.append(Heading(still, Tone.UNKNOWN))
        lines = order.to_buy_first(needs.lines)
        self.show([*headings, *lines] if lines or needs.being_judged else [])
