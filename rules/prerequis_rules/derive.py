"""What dated knowledge makes of raw facts: the life of the operating system, the kind of the cards."""

from datetime import UTC, date, datetime
from fnmatch import fnmatchcase

from prerequis.v1.context_pb2 import Derived, DerivedCard, OsLifecycle
from prerequis.v1.facts_pb2 import Facts, System
from prerequis_rules.knowledge import Extension, Family, Knowledge, Release
from prerequis_rules.messages import moment

_FAMILIES = {System.WINDOWS: Family.WINDOWS, System.LINUX: Family.LINUX, System.MACOS: Family.MACOS}
_PRODUCTS = {System.WORKSTATION: "workstation", System.SERVER: "server"}


def derive(facts: Facts, knowledge: Knowledge, now: datetime) -> Derived:
    """Return what the facts mean on a day; what neither they nor the knowledge say stays unset.

    There is one card for each reader that is not known to be empty, in the order of the readers.
    """
    derived = Derived()
    if facts.HasField("system"):
        derived.os.CopyFrom(_lifecycle(facts.system, knowledge, now.astimezone(UTC).date()))
    for reader in facts.smartcard.readers:
        if reader.HasField("atr"):
            derived.cards.append(card_of(reader.atr, knowledge))
        elif reader.card_present or not reader.HasField("card_present"):
            derived.cards.append(DerivedCard())
    return derived


def card_of(atr: bytes, knowledge: Knowledge) -> DerivedCard:
    """Return what the first pattern that matches says of an ATR; kind "other" when none does."""
    for pattern in knowledge.cards:
        if pattern.matches(atr):
            return DerivedCard(kind=pattern.kind, is_cpx=pattern.is_cpx)
    return DerivedCard(kind="other", is_cpx=False)


def _lifecycle(system: System, knowledge: Knowledge, today: date) -> OsLifecycle:
    """Return what all rows that the machine may be in agree on: an edition that is not known may be any."""
    rows = [row for row in knowledge.releases if _may_be(row, system)]
    names = {row.name for row in rows}
    verdicts = {_supported(row, system, today) for row in rows}
    ends = {_end(row) for row in rows}
    lifecycle = OsLifecycle()
    if len(names) == 1:
        lifecycle.name = names.pop()
    if len(verdicts) == 1 and (supported := verdicts.pop()) is not None:
        lifecycle.supported = supported
    if len(ends) == 1 and (end := ends.pop()) is not None:
        lifecycle.end_of_support.CopyFrom(moment(end))
    return lifecycle


def _may_be(row: Release, system: System) -> bool:
    if row.family is not _FAMILIES.get(system.family):
        return False
    if row.family is Family.WINDOWS:
        return (
            system.HasField("build")
            and row.build == system.build
            and (not system.product or row.product == _PRODUCTS.get(system.product))
            and (
                not row.editions or not system.edition or any(fnmatchcase(system.edition, one) for one in row.editions)
            )
        )
    return row.distribution == system.distribution and f"{system.release}.".startswith(f"{row.release}.")


def _end(row: Release) -> date | None:
    """Return the last day of security updates for everybody."""
    return row.extended if row.extension is Extension.FREE else row.end_of_support


def _supported(row: Release, system: System, today: date) -> bool | None:
    """Return whether the machine gets security updates; None when the row cannot tell."""
    end = _end(row)
    if end is None:
        return True if row.known_until is not None and today <= row.known_until else None
    if today <= end:
        return True
    if row.extension is Extension.PAID and row.extended is not None and today <= row.extended:
        never_paid = (
            row.last_free_revision is not None
            and system.HasField("build_revision")
            and system.build_revision <= row.last_free_revision
        )
        return False if never_paid else None
    return False
