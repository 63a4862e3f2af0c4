"""Reading the calendar of a programme."""

from prerequis_rules.model import Calendar, Lot, Target
from prerequis_rules.rule_file import read_source
from prerequis_rules.schema import Document, Table


def read_calendar(document: Document) -> Calendar:
    """Return the calendar of a file; faults are kept in the document."""
    root = document.root
    lots: dict[str, Lot] = {}
    for table in root.tables("lots"):
        lot = _lot(table)
        if lot.id in lots:
            table.report("id", f"lot « {lot.id} » déjà donné")
        lots[lot.id] = lot
    calendar = Calendar(root.text("id"), root.text("title"), read_source(root), lots)
    root.flag("overrides")
    root.close()
    return calendar


def _lot(table: Table) -> Lot:
    lot = Lot(
        id=table.text("id"),
        title=table.text("title"),
        opens=table.day("opens"),
        closes=table.day("closes"),
        targets=tuple(_target(one) for one in table.tables("targets")),
    )
    if lot.closes < lot.opens:
        table.report("closes", "« closes » est avant « opens »")
    table.close()
    return lot


def _target(table: Table) -> Target:
    target = Target(title=table.text("title"), percent=table.integer("percent"))
    if target.percent > 100:
        table.report("percent", "« percent » doit être au plus 100")
    table.close()
    return target
