"""Which machine of a site asks the services that the site needs: one a day, so that a million never do."""

from datetime import datetime, timedelta
from enum import Enum

from prerequis_collector.store.agents import Agents
from prerequis_collector.store.database import Transaction
from prerequis_collector.store.elections import ElectionRow, Elections
from prerequis_collector.store.site_services import KnownServices

INTERVAL = timedelta(hours=20)
"""Between two observations; less than a day, as the agents' own, so that the first to start is not always too early."""

PATIENCE = timedelta(minutes=30)
"""How long an elected machine may take to report; then the next that asks is elected in its place."""


class Turn(Enum):
    """Who is to ask the services of a site now."""

    MINE = "mine"
    ANOTHERS = "another's"
    """Another machine's, or nobody's: they were asked already."""
    NOBODYS = "nobody's yet"


def turn(transaction: Transaction, finess: str, agent_id: str, now: datetime) -> Turn:
    """Return whether this machine is to ask; a technician's own observation counts as the day's.

    An identity in quarantine never is: what it found would not count.
    """
    known = KnownServices(transaction).find(finess)
    if known is not None and now - known.observed_at < INTERVAL:
        return Turn.ANOTHERS
    if agent_id in Agents(transaction).quarantined(finess):
        return Turn.ANOTHERS
    election = Elections(transaction).newest(finess)
    if election is None or now - election.elected_at >= PATIENCE:
        return Turn.NOBODYS
    return Turn.MINE if election.agent_id == agent_id else Turn.ANOTHERS


def elect(transaction: Transaction, finess: str, agent_id: str, now: datetime) -> bool:
    """Elect this machine and return True; False when another was faster."""
    election = ElectionRow(finess=finess, agent_id=agent_id, elected_at=now)
    return Elections(transaction).elect(election, over=now - PATIENCE)
