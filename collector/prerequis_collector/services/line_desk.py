"""Who may load a line now: one machine for each site and each public address, first come first served.

Everything is decided within one transaction, so that several collectors on one database agree.
"""

import hashlib
import ipaddress
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import median
from uuid import uuid4

from prerequis.v1.line_pb2 import CAPACITY, LATENCY, SUFFICIENCY, LineMethod
from prerequis.v1.register_pb2 import Profile
from prerequis_collector.services import line_clock, line_schedule
from prerequis_collector.services.lease import TIME_TO_LIVE_SECONDS, Lease, Leases
from prerequis_collector.services.origins import REPLACED, may_measure
from prerequis_collector.store.database import Transaction
from prerequis_collector.store.line_claims import LineClaimRow, LineClaims
from prerequis_collector.store.line_measurements import LineMeasurementRow, LineMeasurements
from prerequis_collector.store.line_turns import LineTurnRow, LineTurns

MARGIN = 1.25
"""A sufficiency test is paced at so many times the rate that must be shown."""

DAY_BYTES = 60_000_000
"""The most that measuring moves at one site in a day where its profile says nothing."""

MONTH_DAYS = 22
"""A month's budget, in days' budgets, where the profile says nothing: its working days."""

_LEASES_A_DAY = 2.5
"""So many whole leases have room in a day, however large; a test ends long before its lease is spent."""

_ATTENDED = 2
"""Times the day's budget that a person who waits may use: a technician tries more than once."""

_LEAST_BYTES, _MOST_BYTES = 16_000_000, 64_000_000
_CAPACITY_SECONDS = 2.5
_SUFFICIENCY_SECONDS = 3.5
_LATENCY_BYTES = 300_000
_CAPACITY_LOAD_BITS_PER_SECOND = 100e6
"""What an unpaced test is taken to need of the collector's uplink."""

_RECENT = 5
"""Measurements of a site that tell how long the next one lasts: one that was cut is outvoted."""

_STREAMS = 4
_SOON = timedelta(minutes=12)


@dataclass(frozen=True, slots=True)
class Queueing:
    """How those who wait come back; times that a test can shorten."""

    step: timedelta = timedelta(seconds=2)
    """After which the first in the queue asks again; nobody does sooner."""
    lasts: timedelta = timedelta(seconds=2)
    """How long a measurement is taken to last at a site where none has ended yet: too short costs questions, too long
    leaves the line idle."""
    longest: timedelta = timedelta(minutes=5)
    grace: timedelta = timedelta(seconds=15)
    """How late a machine may be without losing its place."""

    def wait(self, before: int, lasted: Sequence[float]) -> timedelta:
        """Return a wait with jitter for a machine with so many before it; the last measurements lasted these seconds.

        It is half of the time until its turn: a machine comes back in time however much quicker the others are, and
        asks no more often than the logarithm of its place.
        """
        lot = random.SystemRandom().uniform(0.8, 1.2)
        # The line is idle for half a step on average until the next machine asks.
        each = (timedelta(seconds=median(lasted)) if lasted else self.lasts) + self.step / 2
        half = before * each / 2 if before > 1 else self.step
        return min(self.longest, max(self.step, half)) * lot


@dataclass(frozen=True, slots=True)
class Asking:
    """A machine that wants to load its site's line."""

    agent_id: str
    finess: str
    egress: str
    """The public address that it comes from."""
    method: LineMethod.ValueType = LineMethod.LINE_METHOD_UNSPECIFIED
    """Unspecified from agents that know of none, which then measure unpaced, when they like."""
    attended: bool = False
    metered: bool = False
    gateway: bytes = b""
    wireless: bool = False
    machine: str = ""
    """What tells it from others with its identity, in hexadecimal; "" when it does not say."""

    @property
    def by_itself(self) -> bool:
        """Return whether nobody waits for the figure: the schedule applies."""
        return bool(self.method) and not self.attended


@dataclass(frozen=True, slots=True)
class Postponed:
    """No lease now."""

    retry_after: timedelta
    reason: str
    """One sentence in French."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What a collector decides with."""

    leases: Leases
    holder: str
    """Tells this collector from the others on its database."""
    queueing: Queueing = field(default=Queueing())

    def ask(
        self, transaction: Transaction, asking: Asking, profile: Profile, demand_bits_per_second: float, now: datetime
    ) -> Lease | Postponed:
        """Return a lease, kept and claimed, or when to ask again and why."""
        lease = _lease(asking, profile, demand_bits_per_second)
        refused = _forbidden(transaction, asking, profile, lease, now)
        if refused is not None:
            LineTurns(transaction).leave(asking.finess, asking.agent_id)
            return refused
        held = LineClaims(transaction).held(places(asking), now)
        others = [claim for claim in held if claim.agent_id != asking.agent_id]
        turns, due_after = LineTurns(transaction), now - self.queueing.grace
        mine = turns.find(asking.finess, asking.agent_id, due_after)
        before, first_due = turns.before(asking.finess, mine, due_after)
        # A machine whose turn comes soon keeps the line free for itself; one that is far off does not.
        if others or (first_due is not None and first_due <= now + 5 * self.queueing.step):
            ahead = before + bool(others)
            return self._wait(transaction, asking, mine, now, ahead, _queue_sentence(ahead))
        if not self.leases.has_room(lease.load_bits_per_second, asking.agent_id):
            sentence = "Le collecteur mesure déjà autant de lignes que son accès le permet : réessayer plus tard."
            return self._wait(transaction, asking, mine, now, 1, sentence)
        if not self._claim(transaction, asking, lease.measurement, now):
            return self._wait(transaction, asking, mine, now, 1, _queue_sentence(1))
        return self._give(transaction, asking, lease, now)

    def _wait(
        self,
        transaction: Transaction,
        asking: Asking,
        mine: LineTurnRow | None,
        now: datetime,
        ahead: int,
        sentence: str,
    ) -> Postponed:
        wait = self.queueing.wait(ahead, LineMeasurements(transaction).lasted(asking.finess, _RECENT))
        asked_at = mine.asked_at if mine is not None else now
        turn = LineTurnRow(finess=asking.finess, agent_id=asking.agent_id, asked_at=asked_at, due_at=now + wait)
        LineTurns(transaction).wait(turn)
        return Postponed(wait, sentence)

    def _claim(self, transaction: Transaction, asking: Asking, measurement: str, now: datetime) -> bool:
        claims, until = LineClaims(transaction), now + timedelta(seconds=TIME_TO_LIVE_SECONDS)
        for place in places(asking):
            claim = LineClaimRow(
                place=place, measurement=measurement, agent_id=asking.agent_id, holder=self.holder, expires_at=until
            )
            if not claims.take(claim, now):
                claims.drop(measurement)
                return False
        return True

    def _give(self, transaction: Transaction, asking: Asking, lease: Lease, now: datetime) -> Lease:
        turns = LineTurns(transaction)
        turns.leave(asking.finess, asking.agent_id)
        turns.forget(asking.finess, now - self.queueing.grace)
        LineMeasurements(transaction).begin(
            LineMeasurementRow(
                id=lease.measurement,
                finess=asking.finess,
                agent_id=asking.agent_id,
                machine=asking.machine,
                egress=egress_digest(asking.egress),
                gateway=asking.gateway[:32],
                method=asking.method or CAPACITY,
                attended=not asking.by_itself,
                wireless=asking.wireless,
                began_at=now,
            )
        )
        lease.server_load = self.leases.server_load()
        self.leases.give(lease)
        return lease


def places(asking: Asking) -> list[str]:
    """Return what a machine loads while it measures: its site, and the way out that it shares with others.

    Sites behind one public address have lines of their own up to there: told apart where the gateway is known. In
    order, so that two machines that claim at once never wait for each other.
    """
    egress = f"egress:{egress_digest(asking.egress).hex()}:{asking.gateway[:32].hex()}"
    return [egress, f"site:{asking.finess}"]


def egress_digest(address: str) -> bytes:
    """Return a digest of a public address, of IPv6 the /56 that one subscriber has; what is no address is one too."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        text = address
    else:
        if isinstance(parsed, ipaddress.IPv6Address):
            whole = parsed.ipv4_mapped or ipaddress.ip_network((parsed, 56), strict=False).network_address
            text = str(whole)
        else:
            text = str(parsed)
    return hashlib.blake2s(text.encode(), digest_size=16, person=b"egress").digest()


def _lease(asking: Asking, profile: Profile, demand_bits_per_second: float) -> Lease:
    user = profile.bits_per_second_per_user
    target = MARGIN * (demand_bits_per_second or user)
    both = profile.direction != Profile.DOWN
    lease = Lease(asking.agent_id, uuid4().hex, 0, asking.method, user_bits_per_second=user, streams=_STREAMS)
    if asking.method == LATENCY:
        lease.bytes_per_direction = _LATENCY_BYTES
    elif asking.method == SUFFICIENCY:
        lease.down_target_bits_per_second, lease.up_target_bits_per_second = target, target * both
        phases = MARGIN * user * _SUFFICIENCY_SECONDS + target * _SUFFICIENCY_SECONDS
        lease.bytes_per_direction = round(min(_MOST_BYTES, max(1_000_000, phases / 8)))
        lease.load_bits_per_second = target
    else:
        lease.bytes_per_direction = round(min(_MOST_BYTES, max(_LEAST_BYTES, target / 8 * _CAPACITY_SECONDS)))
        lease.load_bits_per_second = max(target, _CAPACITY_LOAD_BITS_PER_SECOND)
    return lease


def _forbidden(
    transaction: Transaction, asking: Asking, profile: Profile, lease: Lease, now: datetime
) -> Postponed | None:
    """Return why the line is not to be loaded, whoever waits; None when it may."""
    if not may_measure(transaction, asking, now):
        return Postponed(timedelta(days=1), REPLACED)
    if asking.metered and not profile.measures_metered_lines and asking.method != LATENCY:
        sentence = "La ligne est facturée au volume : elle n'est pas chargée sans l'accord de la DSI pour ce site."
        return Postponed(timedelta(days=1), sentence)
    spent = _over_budget(transaction, asking, profile, lease, now)
    if spent is not None:
        return spent
    return _out_of_turn(transaction, asking, profile, now) if asking.by_itself else None


def _over_budget(
    transaction: Transaction, asking: Asking, profile: Profile, lease: Lease, now: datetime
) -> Postponed | None:
    here = line_clock.local(asking.finess, now)
    midnight = here.replace(hour=0, minute=0, second=0, microsecond=0)
    wanted = 2 * lease.bytes_per_direction
    usual = max(DAY_BYTES, _LEASES_A_DAY * wanted)
    day = profile.line_bytes_per_day or usual * (1 if asking.by_itself else _ATTENDED)
    month = profile.line_bytes_per_month or MONTH_DAYS * usual
    measurements = LineMeasurements(transaction)
    if measurements.bytes_since(asking.finess, midnight) + wanted > day:
        tomorrow = midnight + timedelta(days=1, hours=6)
        return Postponed(tomorrow - now, "Le volume que la mesure peut prendre au site aujourd'hui est atteint.")
    if measurements.bytes_since(asking.finess, midnight.replace(day=1)) + wanted > month:
        following = (midnight.replace(day=1) + timedelta(days=32)).replace(day=1)
        return Postponed(following - now, "Le volume que la mesure peut prendre au site ce mois-ci est atteint.")
    return None


def _out_of_turn(transaction: Transaction, asking: Asking, profile: Profile, now: datetime) -> Postponed | None:
    metered = profile.measures_metered_lines
    if line_schedule.is_turn(transaction, asking.finess, asking.agent_id, now, metered=metered):
        if line_clock.near_full_hour(line_clock.local(asking.finess, now)):
            return Postponed(_SOON, "Rien n'est mesuré à l'heure pile : attendre quelques minutes.")
        return None
    at = line_schedule.next_turn(transaction, asking.finess, asking.agent_id, now, metered=metered)
    if at is None:
        return Postponed(timedelta(days=1), "D'autres postes du site mesurent la ligne.")
    moment = line_clock.local(asking.finess, at.astimezone(UTC))
    return Postponed(at - now, f"La prochaine mesure de ce poste est prévue le {moment:%d/%m à %H:%M}.")


def _queue_sentence(ahead: int) -> str:
    if ahead == 1:
        return "Un autre poste mesure la ligne du site ou attend avant celui-ci."
    return f"{ahead} postes du site mesurent la ligne ou attendent avant celui-ci."
