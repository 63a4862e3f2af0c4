"""The site's own clock: which hours are busy, and when in the day its line is measured.

The busy hours are those of the hand-overs between shifts, in which records are written.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

BUSY = ((time(7, 30), time(9, 30)), (time(13, 30), time(15, 0)))
"""Monday to Friday, by the site's clock."""

_QUIET = ((time(10, 5), time(11, 55)), (time(15, 30), time(16, 55)))
"""One of them each day, in turn: what the line carries while fewer people use it."""

STEP = timedelta(minutes=12)
"""After which the next elected machine stands in for one that is switched off."""

QUIET_MINUTES = 5
"""Before and after each full hour, when everybody else's timers strike."""

MACHINES = 3
"""Elected for each day."""

# FINESS numbers of overseas establishments; each place keeps one time all the year.
_ZONES = {
    "9701": "America/Guadeloupe",
    "9702": "America/Martinique",
    "9703": "America/Cayenne",
    "9704": "Indian/Reunion",
    "976": "Indian/Mayotte",
    "9805": "Indian/Mayotte",
}
_METROPOLE = "Europe/Paris"


@dataclass(frozen=True, slots=True)
class Slot:
    """A part of one day in which the line is to be measured once."""

    begins: datetime
    ends: datetime
    number: int

    def moment(self, finess: str, position: int) -> datetime:
        """Return when the machine at this position, from 0, is to measure; never around a full hour.

        Sites are spread over the slot by their number, the same way whoever asks.
        """
        spare = (self.ends - self.begins) - STEP * (MACHINES - 1) - timedelta(minutes=3 * QUIET_MINUTES)
        at = self.begins + spare * _lot(finess, self.begins.date().isoformat(), str(self.number)) + STEP * position
        if at.minute < QUIET_MINUTES:
            return at + timedelta(minutes=QUIET_MINUTES)
        return at + timedelta(minutes=2 * QUIET_MINUTES) if at.minute >= 60 - QUIET_MINUTES else at


def zone_of(finess: str) -> ZoneInfo:
    """Return the time zone of an establishment."""
    return ZoneInfo(next((zone for prefix, zone in _ZONES.items() if finess.startswith(prefix)), _METROPOLE))


def local(finess: str, moment: datetime) -> datetime:
    """Return the moment on the site's clock."""
    return moment.astimezone(zone_of(finess))


def is_busy(moment: datetime) -> bool:
    """Return whether a moment on a site's clock is in its busy hours."""
    return moment.weekday() < 5 and any(begins <= moment.time() < ends for begins, ends in BUSY)


def near_full_hour(moment: datetime) -> bool:
    """Return whether it is one of the minutes in which nothing is started."""
    return not QUIET_MINUTES <= moment.minute < 60 - QUIET_MINUTES


def slots(finess: str, day: date) -> Iterator[Slot]:
    """Give the slots of a day on the site's clock, in order; none at the week-end."""
    if day.weekday() >= 5:
        return
    zone = zone_of(finess)
    for number, (begins, ends) in enumerate(sorted((*BUSY, _QUIET[day.toordinal() % len(_QUIET)]))):
        yield Slot(datetime.combine(day, begins, zone), datetime.combine(day, ends, zone), number)


def slot_at(finess: str, moment: datetime) -> Slot | None:
    """Return the slot in which a moment falls, or None."""
    at = local(finess, moment)
    return next((slot for slot in slots(finess, at.date()) if slot.begins <= at < slot.ends), None)


def elected(finess: str, day: date, candidates: list[tuple[bool, str]]) -> list[str]:
    """Return the ids of the machines that measure on a day, the first first.

    `candidates` say of each whether it is badly placed (over the air, or not known) and its id. Others on other days.
    """
    ranked = sorted(candidates, key=lambda one: (one[0], _lot(finess, day.isoformat(), one[1])))
    return [agent for _, agent in ranked[:MACHINES]]


def _lot(*parts: str) -> float:
    digest = hashlib.blake2s("\n".join(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64
