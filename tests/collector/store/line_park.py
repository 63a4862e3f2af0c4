"""Two sites, their machines and a desk that lends their lines; a subclass gives the `database` fixture."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from prerequis.v1.facts_pb2 import Line
from prerequis.v1.line_pb2 import SUFFICIENCY
from prerequis.v1.register_pb2 import Profile
from prerequis_collector.services.lease import Lease, Leases
from prerequis_collector.services.line_desk import Asking, Desk, Postponed
from prerequis_collector.services.line_results import end_measurement
from prerequis_collector.store.agents import AgentRow, Agents
from prerequis_collector.store.database import Database
from prerequis_collector.store.sites import SiteRow, Sites

SITE, OTHER = "330000019", "330000027"
# A Monday, 11:20 in Paris, in no slot's first minutes.
NOW = datetime(2026, 11, 23, 10, 20, tzinfo=UTC)
PROFILE = Profile(bits_per_second_per_user=2e6, direction=Profile.BOTH)
DEMAND = 20e6


class Clock:
    """The moment, for the desk and for the leases alike."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return (self.now - NOW).total_seconds()

    def after(self, seconds: float) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now


def asking(agent: str, finess: str = SITE, egress: str = "192.0.2.1", **more: object) -> Asking:
    return replace(Asking(agent, finess, egress, SUFFICIENCY, attended=True), **more)  # type: ignore[arg-type]


def figure(**fields: float) -> Line:
    line = Line(loopback=False, confidence=Line.HIGH, **fields)  # type: ignore[arg-type]
    line.conditions.method_version = 1
    return line


class LinePark:
    @pytest.fixture
    def park(self, database: Database) -> Database:
        with database.write() as transaction:
            for finess in (SITE, OTHER):
                Sites(transaction).save(SiteRow(finess=finess, name="Les Tilleuls"))
            for name in ("a", "b", "c", "d"):
                Agents(transaction).add(AgentRow(id=name, finess=SITE, fingerprint=b"f", enrolled_at=NOW))
            Agents(transaction).add(AgentRow(id="z", finess=OTHER, fingerprint=b"f", enrolled_at=NOW))
        return database

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def desk(self, clock: Clock) -> Desk:
        return Desk(Leases(clock), "first")

    def ask(
        self,
        park: Database,
        desk: Desk,
        one: Asking,
        at: datetime,
        *,
        profile: Profile = PROFILE,
        demand: float = DEMAND,
    ) -> Lease | Postponed:
        with park.write() as transaction:
            return desk.ask(transaction, one, profile, demand, at)

    def lend(self, park: Database, desk: Desk, one: Asking, at: datetime) -> Lease:
        lease = self.ask(park, desk, one, at)
        assert isinstance(lease, Lease), lease
        return lease

    def release(self, park: Database, desk: Desk, lease: Lease, at: datetime, result: Line | None = None) -> bool:
        assert desk.leases.release(lease.agent_id, lease.token) is lease
        with park.write() as transaction:
            return end_measurement(transaction, lease, result, at)
