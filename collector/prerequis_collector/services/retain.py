"""How long what is kept is kept: two years of history, then it goes.

What people decided (answers, orders) and the register stay: they are few, and no later report can make them again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from prerequis_collector.errors import InvalidInput
from prerequis_collector.store.database import Transaction
from prerequis_collector.store.expired import Expired

HISTORY = timedelta(days=731)
"""24 months; reports older than this are refused when they come."""
_LEAST_DAYS = 31
_MOST_DAYS = 36_525
"""A century: before it there is nothing to delete."""

Write = Callable[[Callable[[Transaction], int]], int]


@dataclass(frozen=True, slots=True)
class Account:
    """What was deleted, or would be."""

    before: datetime
    rows: Mapping[str, int]
    """How many of each class."""


def horizon(now: datetime, days: int | None) -> datetime:
    """Return the moment before which things go; raises InvalidInput when that would take the present with it."""
    if days is not None and days < _LEAST_DAYS:
        raise InvalidInput(f"Garder au moins {_LEAST_DAYS} jours : en deçà, les sites ne seraient plus jugés.")
    if days is not None and days > _MOST_DAYS:
        raise InvalidInput(f"Garder au plus {_MOST_DAYS} jours, un siècle.")
    return now - (HISTORY if days is None else timedelta(days=days))


def expired(transaction: Transaction, before: datetime) -> Account:
    """Return what a purge would delete."""
    return Account(before, Expired(transaction).count(before))


def purge(write: Write, found: Account) -> Account:
    """Delete what expired, a few hundred rows in each transaction, and return what was deleted.

    Stopped in between, it has deleted whole rows with all that refers to them; a second run does the rest.
    """
    return Account(found.before, {name: _purge(write, name, found.before) for name in found.rows})


def _purge(write: Write, name: str, before: datetime) -> int:
    done = 0
    while count := write(lambda transaction: Expired(transaction).delete_some(name, before)):
        done += count
    return done
