"""The register of sites: what a FINESS number may be, and what the site's message says."""

import re
from datetime import UTC, datetime, time

from google.protobuf.timestamp_pb2 import Timestamp

from prerequis.v1.register_pb2 import Site
from prerequis_collector.errors import InvalidInput, NotFound
from prerequis_collector.services.audit import note
from prerequis_collector.store.database import Transaction
from prerequis_collector.store.sites import SiteRow, Sites
from prerequis_rules.pack import Pack

# typeNumeroFiness of the official schema: the second character is a letter for Corsica.
_FINESS = re.compile(r"[0-9][0-9A-Z][0-9]{7}", re.ASCII)
_NUMBERS = ("professionals", "simultaneous_users", "secretariats", "workstations")
_MOST = 1_000_000
"""Of any of them at one site; a longer number is a slip."""


def check_finess(text: str) -> str:
    """Return the number as it is written in registers; raises InvalidInput."""
    finess = text.strip().upper()
    if not _FINESS.fullmatch(finess):
        raise InvalidInput(f"« {text} » n'est pas un numéro FINESS : neuf caractères, par exemple 330000019.")
    return finess


def looks_mistyped(finess: str) -> bool:
    """Return whether the check digit (Luhn) of an all-digit number is wrong.

    No official text asks for it, though every number seen obeys it: it is worth a warning, never a refusal.
    """
    if not finess.isdigit():
        return False
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(finess)))
    return sum(value // 10 + value % 10 for value in doubled) % 10 != 0


def check_site(site: SiteRow) -> None:
    """Return when the site may be kept; raises InvalidInput."""
    if not site.name.strip() or not site.name.isprintable():
        raise InvalidInput("Le nom du site est vide, ou a des caractères qui ne se lisent pas.")
    for number in (*_NUMBERS, "active_records"):
        value = getattr(site, number) or 0
        if not 0 <= value <= _MOST:
            raise InvalidInput(f"Un effectif va de 0 à un million : {value} n'en est pas un.")


def check_pack(pack: Pack, profile: str, lot: str) -> None:
    """Return when the pack has the profile and the lot, or none is named; raises InvalidInput."""
    if profile and profile not in pack.profiles:
        raise InvalidInput(f"Il n'y a pas de profil « {profile} » ; choisir parmi : {', '.join(pack.profiles)}.")
    if lot and pack.lot(lot) is None:
        known = [f"{calendar.id}/{one}" for calendar in pack.calendars.values() for one in calendar.lots]
        raise InvalidInput(f"Il n'y a pas de lot « {lot} » ; choisir parmi : {', '.join(known)}.")


def save_site(transaction: Transaction, site: SiteRow, *, author: str, now: datetime) -> bool:
    """Keep the site, in place of what was known of it; return whether it is new. Raises InvalidInput."""
    site.finess = check_finess(site.finess)
    site.organisation = check_finess(site.organisation) if site.organisation else ""
    check_site(site)
    Sites(transaction).touch(site.finess)  # locks the row: what changes its revision meanwhile is not lost
    known = Sites(transaction).find(site.finess)
    site.revision = known.revision if known else 1
    site.parameters = known.parameters if known else ""
    Sites(transaction).save(site)
    kept = site.model_dump(mode="json", exclude={"finess", "revision", "parameters"})
    note(transaction, author, "site.save", site.finess, now, **kept)
    return known is None


def require_site(transaction: Transaction, finess: str) -> SiteRow:
    """Return the site; raises NotFound."""
    site = Sites(transaction).find(finess)
    if site is None:
        raise NotFound(f"Aucun site ne porte le numéro FINESS « {finess} ».")
    return site


def require_site_of(transaction: Transaction, finess: str, organisation: str) -> None:
    """Return when this organisation runs the site, or for an empty organisation; raises NotFound.

    Of the sites of others not even their presence is told.
    """
    site = Sites(transaction).find(finess) if organisation else None
    if organisation and (site is None or site.organisation != organisation):
        raise NotFound(f"Aucun site de votre organisme ne porte le numéro FINESS « {finess} ».")


def site_message(row: SiteRow) -> Site:
    """Return the site as rules and people see it; what is not known stays unset."""
    site = Site(finess=row.finess, name=row.name, profile=row.profile)
    for number in _NUMBERS:
        value = getattr(row, number)
        if value is not None:
            setattr(site, number, value)
    deadline = deadline_of(row)
    if deadline is not None:
        site.deadline.CopyFrom(deadline)
    return site


def deadline_of(row: SiteRow) -> Timestamp | None:
    """Return the day by which the site must be ready, at midnight UTC, or None."""
    if row.deadline is None:
        return None
    moment = Timestamp()
    moment.FromDatetime(datetime.combine(row.deadline, time(), UTC))
    return moment
