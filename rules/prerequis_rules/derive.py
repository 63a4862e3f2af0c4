"""What dated knowledge makes of raw facts: the life of the operating system, the kind of the cards and readers."""

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase

from prerequis.v1.context_pb2 import Derived, DerivedApplication, DerivedCard, DerivedReader, OsLifecycle
from prerequis.v1.facts_pb2 import Facts, Reader, System
from prerequis.v1.middleware_pb2 import RegisteredCards
from prerequis.v1.software_pb2 import Application
from prerequis_rules.knowledge import Extension, Family, Knowledge, Libccid, ProgramRelease, Release, numbers
from prerequis_rules.messages import moment
from prerequis_rules.smartcard_chain import is_registered, why_unseen

_FAMILIES = {System.WINDOWS: Family.WINDOWS, System.LINUX: Family.LINUX, System.MACOS: Family.MACOS}
_PRODUCTS = {System.WORKSTATION: "workstation", System.SERVER: "server"}


def derive(facts: Facts, knowledge: Knowledge, now: datetime) -> Derived:
    """Return what the facts mean on a day; what neither they nor the knowledge say stays unset.

    In the order of the readers, there is one reader for each, and one card for each that is not known to be empty.
    """
    derived, today = Derived(), now.astimezone(UTC).date()
    for meaning in DERIVED_FROM:
        derived.MergeFrom(meaning(facts, knowledge, today))
    return derived


def _os(facts: Facts, knowledge: Knowledge, today: date) -> Derived:
    return Derived(os=_lifecycle(facts.system, knowledge, today) if facts.HasField("system") else None)


def _applications(facts: Facts, knowledge: Knowledge, today: date) -> Derived:
    programs = facts.applications.applications
    return Derived(applications=[program_of(program, facts.system, knowledge, today) for program in programs])


def _readers_and_cards(facts: Facts, knowledge: Knowledge, _: date) -> Derived:
    derived = Derived()
    for reader in facts.smartcard.readers:
        derived.readers.append(reader_of(reader, facts.system, knowledge))
        _fill_unseen(derived.readers[-1], reader, facts)
        if reader.HasField("atr"):
            derived.cards.append(card_of(reader.atr, knowledge))
            if facts.middleware.HasField("registered_cards"):
                _fill_registered(derived.cards[-1], reader.atr, facts.middleware.registered_cards)
        elif reader.card_present or not reader.HasField("card_present"):
            derived.cards.append(DerivedCard())
    return derived


Meaning = Callable[[Facts, Knowledge, date], Derived]
"""Gives what a part of the facts means on a day."""

DERIVED_FROM: Mapping[Meaning, tuple[str, ...]] = {
    _os: ("system",),
    _applications: ("system", "applications"),
    _readers_and_cards: ("system", "smartcard", "middleware"),
}
"""The fields of the facts that each part of what is derived is made of."""


def only(facts: Facts, fields: Collection[str]) -> Facts:
    """Return these fields of the facts alone."""
    return Facts(**{field.name: value for field, value in facts.ListFields() if field.name in fields})


def _fill_unseen(derived: DerivedReader, reader: Reader, facts: Facts) -> None:
    cause = why_unseen(reader, facts, needs_vendor_driver=derived.needs_vendor_driver)
    if cause:
        derived.unseen_cause, derived.unseen_remedy = cause.told, cause.remedy


def _fill_registered(derived: DerivedCard, atr: bytes, known: RegisteredCards) -> None:
    registered = is_registered(atr, known)
    if registered is not None:
        derived.registered = registered


def card_of(atr: bytes, knowledge: Knowledge) -> DerivedCard:
    """Return what the first pattern that matches says of an ATR; kind "other" when none does."""
    for pattern in knowledge.cards:
        if pattern.matches(atr):
            return DerivedCard(
                kind=pattern.kind, is_cpx=pattern.is_cpx, name=pattern.name, generation=pattern.generation
            )
    return DerivedCard(kind="other", is_cpx=False, name="autre carte")


def reader_of(reader: Reader, system: System, knowledge: Knowledge) -> DerivedReader:
    """Return what the list of readers says of one; nothing of a reader that is not in it.

    All claim the CCID class. One of which libccid knows faults needs its maker's driver on Linux; what Microsoft's and
    Apple's drivers make of it is not known.
    """
    vendor, product = reader.usb_vendor, reader.usb_product
    for model in knowledge.readers:
        if model.vendor == vendor and model.product == product:
            derived = DerivedReader(model=model.model, kind=model.kind)
            if model.libccid is not Libccid.UNSUPPORTED:
                derived.needs_vendor_driver = False
            elif system.family == System.LINUX:
                derived.needs_vendor_driver = True
            return derived
    return DerivedReader()


def program_of(program: Application, system: System, knowledge: Knowledge, today: date) -> DerivedApplication:
    """Return what all rows that a program may be of agree on: a version that is not known may be any.

    On Linux nothing but its id, for the distribution maintains it; nor where the family of the system is not known.
    """
    derived = DerivedApplication(id=program.id if program.HasField("id") else None)
    if system.family not in (System.WINDOWS, System.MACOS):
        return derived
    rows = [row for row in knowledge.programs if _may_be_of(row, program)]
    names = {row.name for row in rows}
    verdicts = {_maintained(row, today) for row in rows}
    ends = {row.end_of_support for row in rows}
    if len(names) == 1:
        derived.name = names.pop()
    if len(verdicts) == 1 and (supported := verdicts.pop()) is not None:
        derived.supported = supported
    if len(ends) == 1 and (end := ends.pop()) is not None:
        derived.end_of_support.CopyFrom(moment(end))
    return derived


def _may_be_of(row: ProgramRelease, program: Application) -> bool:
    if row.id != program.id:
        return False
    version = numbers(program.version)
    return (
        (row.channel is None or not program.channel or row.channel == program.channel)
        and (not row.products or not program.product or any(fnmatchcase(program.product, one) for one in row.products))
        and (row.version is None or not version or f"{program.version}.".startswith(f"{row.version}."))
        and (row.before is None or not version or version < row.before)
        and (row.since is None or not version or version >= row.since)
    )


def _maintained(row: ProgramRelease, today: date) -> bool | None:
    if row.end_of_support is None:
        return True if row.known_until is not None and today <= row.known_until else None
    if today <= row.end_of_support:
        return True
    return None if row.extended is not None and today <= row.extended else False


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
    _fill_updates(lifecycle, system, knowledge)
    return lifecycle


def _fill_updates(lifecycle: OsLifecycle, system: System, knowledge: Knowledge) -> None:
    """Fill in when the newest monthly update that a machine has was published, and the first that it has not."""
    if system.family != System.WINDOWS or not system.HasField("build_revision"):
        return
    product = _PRODUCTS.get(system.product)
    branches = [one for one in knowledge.branches if system.build in one.builds and one.product in (None, product)]
    for update in (one for branch in branches for one in branch.updates):
        if update.revision > system.build_revision:
            lifecycle.update_missed.CopyFrom(moment(update.published))
            return
        lifecycle.update_published.CopyFrom(moment(update.published))


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
        if system.extended_updates:
            return True
        # Not activated says little: the maintenance that Microsoft sells to consumers cannot be seen.
        never_paid = (
            row.last_free_revision is not None
            and system.HasField("build_revision")
            and system.build_revision <= row.last_free_revision
        )
        return False if never_paid else None
    return False
