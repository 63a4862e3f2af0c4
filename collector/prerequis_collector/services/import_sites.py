"""Bringing the register to what a file says: what is new, what changes, and nothing at all where a line is wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from prerequis_collector.errors import InvalidInput
from prerequis_collector.services.register import check_pack, check_site, save_site
from prerequis_collector.services.register_file import Line, Value, refuse
from prerequis_collector.store.database import Transaction
from prerequis_collector.store.sites import SiteRow, Sites
from prerequis_rules.pack import Pack


@dataclass(frozen=True, slots=True)
class Change:
    """A site that the register has otherwise, or not yet."""

    site: SiteRow
    """As it is to be."""
    fields: Mapping[str, tuple[Value, Value]]
    """What was known and what the file says, of each field that changes."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a file would change."""

    new: Sequence[Change]
    changed: Sequence[Change]
    unchanged: int


def plan_import(transaction: Transaction, lines: Sequence[Line], pack: Pack) -> Plan:
    """Return what these lines change of the register; raises InvalidInput with every line that cannot be kept.

    A field that has no column stays as it is; an empty cell says that it is not known.
    """
    known = {site.finess: site for site in Sites(transaction).all()}
    new, changed, faults = [], [], []
    for line in lines:
        before = known.get(line.finess)
        change = _change(before or SiteRow(finess=line.finess, name=""), line)
        try:
            check_site(change.site)
            check_pack(pack, change.site.profile, change.site.lot)
        except InvalidInput as error:
            faults.append(f"Ligne {line.number} : {error}")
        if before is None:
            new.append(change)
        elif change.fields:
            changed.append(change)
    refuse(faults)
    return Plan(new, changed, len(lines) - len(new) - len(changed))


def keep_import(transaction: Transaction, plan: Plan, *, author: str, now: datetime) -> None:
    """Keep what changes, each site with its entry in the audit trail; raises InvalidInput."""
    for change in (*plan.new, *plan.changed):
        save_site(transaction, change.site, author=author, now=now)


def _change(before: SiteRow, line: Line) -> Change:
    fields = {
        field: (getattr(before, field), value)
        for field, value in line.values.items()
        if getattr(before, field) != value
    }
    return Change(SiteRow(**{**before.model_dump(), **line.values}), fields)
