"""What to order, as tables: the needs, and the sites whose needs are not known."""

from collections.abc import Sequence
from datetime import UTC

from prerequis.v1 import ordering_pb2
from prerequis_tui import wording
from prerequis_tui.exports.table import Cell, Table

_COLUMNS = {
    "FINESS": 12,
    "Site": 32,
    "Code article": 24,
    "Article": 36,
    "Besoin certain": 9,
    "Besoin possible": 10,
    "Déjà commandé": 11,
    "À commander": 12,
    "Échéance": 12,
    "Motifs": 80,
}
NOT_MEASURED = "Site non mesuré : besoins non connus"


def needs_table(needs: ordering_pb2.ListNeedsResponse, *, not_measured: bool = False) -> Table:
    """Return one row for each need; with `not_measured` also one for each site that was not, without any quantity."""
    blank = [None] * (len(_COLUMNS) - 2)
    rows = [_row(line) for line in needs.lines]
    if not_measured:
        rows.extend([finess, *blank, NOT_MEASURED] for finess in needs.sites_not_measured)
    return Table("Besoins", tuple(_COLUMNS), tuple(_COLUMNS.values()), rows)


def not_measured_table(needs: ordering_pb2.ListNeedsResponse) -> Table:
    """Return one row for each site whose needs are not known."""
    rows = [(finess, NOT_MEASURED) for finess in needs.sites_not_measured]
    return Table("Sites non mesurés", ("FINESS", "Ce que cela veut dire"), (14, 60), rows)


def _row(line: ordering_pb2.NeedLine) -> Sequence[Cell]:
    return (
        line.finess,
        line.site_name,
        line.item,
        line.item_name,
        line.certain,
        # An empty cell or a zero would be read as nothing to buy.
        line.possible if line.HasField("possible") else wording.NOT_KNOWN,
        line.ordered,
        line.to_order,
        line.deadline.ToDatetime(tzinfo=UTC).date() if line.deadline.seconds else None,
        " ; ".join(line.reasons),
    )
