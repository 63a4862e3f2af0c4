"""Which machine of a site measures its line, and when."""

from datetime import UTC, date, datetime, timedelta

from prerequis_collector.services import line_clock
from prerequis_collector.services.line_clock import Slot
from prerequis_collector.services.origins import apart
from prerequis_collector.store.agents import Agents
from prerequis_collector.store.database import Transaction
from prerequis_collector.store.line_candidates import LineCandidateRow, LineCandidates
from prerequis_collector.store.line_measurements import LineMeasurements

HEARD_WITHIN = timedelta(days=4)
"""A machine that was not heard of since, a long week-end, is not elected."""

RENEWED_AFTER = timedelta(hours=12)
"""How old a candidate's word must be before an equal one is written again."""

_DAYS_AHEAD = 7
_EARLY = timedelta(minutes=2)


def is_news(transaction: Transaction, candidate: LineCandidateRow) -> bool:
    """Return whether a machine tells how it reaches its network for the first time, otherwise, or after long."""
    known = LineCandidates(transaction).find(candidate.agent_id)
    return (
        known is None
        or known.finess != candidate.finess
        or candidate.wireless not in (None, known.wireless)
        or candidate.metered not in (None, known.metered)
        or candidate.seen_at - known.seen_at > RENEWED_AFTER
    )


def next_turn(transaction: Transaction, finess: str, agent_id: str, now: datetime, *, metered: bool) -> datetime | None:
    """Return when the machine should measure next, UTC; None when it is not elected in the days that come.

    `metered` allows lines that are paid by volume. A slot in which the line was measured needs no second machine.
    """
    done = _measured(transaction, finess, now)
    candidates = _candidates(transaction, finess, now, metered=metered)
    today = line_clock.local(finess, now).date()
    for ahead in range(_DAYS_AHEAD):
        day = today + timedelta(days=ahead)
        for slot in line_clock.slots(finess, day):
            at = _moment(finess, day, slot, candidates, agent_id)
            if at is not None and at > now and (day, slot.number) not in done:
                return at.astimezone(UTC)
    return None


def is_turn(transaction: Transaction, finess: str, agent_id: str, now: datetime, *, metered: bool) -> bool:
    """Return whether the machine may measure by itself now: its moment has come and nobody has measured since."""
    slot = line_clock.slot_at(finess, now)
    if slot is None:
        return False
    day = line_clock.local(finess, now).date()
    at = _moment(finess, day, slot, _candidates(transaction, finess, now, metered=metered), agent_id)
    return at is not None and at - _EARLY <= now and (day, slot.number) not in _measured(transaction, finess, now)


def _moment(finess: str, day: date, slot: Slot, candidates: list[tuple[bool, str]], agent_id: str) -> datetime | None:
    chosen = line_clock.elected(finess, day, candidates)
    if agent_id not in chosen:
        return None
    return slot.moment(finess, (chosen.index(agent_id) + slot.number) % len(chosen))


def _candidates(transaction: Transaction, finess: str, now: datetime, *, metered: bool) -> list[tuple[bool, str]]:
    rows = LineCandidates(transaction).of_site(finess, now - HEARD_WITHIN)
    return [(row.wireless is not False, row.agent_id) for row in rows if metered or not row.metered]


def _measured(transaction: Transaction, finess: str, now: datetime) -> set[tuple[date, int]]:
    """Return the slots of today in which a result came in, but of the machines apart."""
    midnight = line_clock.local(finess, now).replace(hour=0, minute=0, second=0, microsecond=0)
    done, copied = set(), apart(Agents(transaction).odd(finess))
    for row in LineMeasurements(transaction).of_site(finess, midnight):
        slot = line_clock.slot_at(finess, row.began_at)
        if slot is not None and row.result and not row.contention and row.measured_by not in copied:
            done.add((slot.begins.date(), slot.number))
    return done
