"""The register of sites: what a FINESS number may be, and what the site's message says."""

import re
from datetime import UTC, datetime, time

from google.protobuf.timestamp_pb2 import Timestamp

from prerequis.v1.register_pb2 import Site
from prerequis_collector.errors import InvalidInput, NotFound
from prerequis_collector.services.audit import note
from prerequis_collector.store.database import Transaction
from prerequis_collector.store.sites import SiteRow, Sites

# typeNumeroFiness of the official schema: the second character is a letter for Corsica.
_FINESS = re.compile(r"[0-9][0-9A-Z][0-9]{7}", re.ASCII)
_NUMBERS = ("professionals", "simultaneous_users", "secretariats", "workstations")


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


def save_site(transaction: Transaction, site: SiteRow, *, author: str, now: datetime) -> bool:
    """Keep the site, in place of what was known of it; return whether it is new. Raises InvalidInput."""
    site.finess = check_finess(site.finess)
    site.organisation = check_finess(site.organisation) if site.organisation else ""
    if not site.name.strip() or not site.name.isprintable():
        raise InvalidInput("Le nom du site est vide, ou a des caractères qui ne se lisent pas.")
    if any((getattr(site, number) or 0) < 0 for number in (*_NUMBERS, "active_records")):
        raise InvalidInput("Un effectif ne peut pas être négatif.")
    known = Sites(transaction).find(site.finess)
    site.revision = known.revision + 1 if known else 1
    site.parameters = known.parameters if known else ""
    Sites(transaction).save(site)
    kept = site.model_dump(mode="json", exclude={"finess", "revision", "parameters"})
    note(transaction, author, "site.save", site.finess, now, **kept)
    return known is None


def require_site(transaction: Transaction, finess: str) -> SiteRow:
    """Return the site; raises NotFound."""
    site = Sites(transaction).find(finess)
    if site is None:
        raise NotFound(f"Aucun site ne porte le numéro FINESS {finess}.")
    return site


def require_site_of(transaction: Transaction, finess: str, organisation: str) -> None:
    """Return when this organisation runs the site, or for an empty organisation; raises NotFound.

    Of the sites of others not even their presence is told.
    """
    site = Sites(transaction).find(finess) if organisation else None
    if organisation and (site is None or site.organisation != organisation):
        raise NotFound(f"Aucun site de votre organisme ne porte le numéro FINESS {finess}.")


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
