"""What coordinating lines must do on every kind of database; a subclass gives the `database` fixture."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from prerequis.v1.facts_pb2 import Line
from prerequis.v1.line_pb2 import CAPACITY, LATENCY, LINE_METHOD_UNSPECIFIED, SUFFICIENCY
from prerequis.v1.register_pb2 import Profile
from prerequis_collector.errors import InvalidInput
from prerequis_collector.services import line_clock, line_schedule
from prerequis_collector.services.lease import TIME_TO_LIVE_SECONDS, Lease, Leases
from prerequis_collector.services.line_desk import DAY_BYTES, Asking, Desk, Postponed
from prerequis_collector.services.line_results import MOST_RESULT_BYTES, end_measurement
from prerequis_collector.store.agents import AgentRow, Agents
from prerequis_collector.store.database import Database
from prerequis_collector.store.line_candidates import LineCandidateRow, LineCandidates
from prerequis_collector.store.line_claims import LineClaims
from prerequis_collector.store.line_measurements import LineMeasurementRow, LineMeasurements
from prerequis_collector.store.line_turns import LineTurnRow, LineTurns
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


class LineContract:
    STORM = 200
    """Machines of one site that ask at once."""

    @pytest.fixture
    def database(self) -> Iterator[Database]:
        raise NotImplementedError

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

    def lend(self, park: Database, desk: Desk, one: Asking, at: datetime, **more: float) -> Lease:
        lease = self.ask(park, desk, one, at, demand=more.get("demand", DEMAND))
        assert isinstance(lease, Lease), lease
        return lease

    def release(self, park: Database, desk: Desk, lease: Lease, at: datetime, result: Line | None = None) -> bool:
        assert desk.leases.release(lease.agent_id, lease.token) is lease
        with park.write() as transaction:
            return end_measurement(transaction, lease, result, at)

    def test_a_second_machine_waits_until_the_first_is_done(self, park: Database, desk: Desk, clock: Clock) -> None:
        first = self.lend(park, desk, asking("a"), clock.now)
        waiting = self.ask(park, desk, asking("b"), clock.after(1))
        assert isinstance(waiting, Postponed)
        assert timedelta() < waiting.retry_after < timedelta(seconds=30)
        assert waiting.reason == "Un autre poste mesure la ligne du site ou attend avant celui-ci."
        self.release(park, desk, first, clock.after(5))
        self.lend(park, desk, asking("b"), clock.now)

    def test_the_line_is_one_whatever_address_the_machines_of_a_site_come_from(
        self, park: Database, desk: Desk, clock: Clock
    ) -> None:
        self.lend(park, desk, asking("a"), clock.now)
        for egress in ("198.51.100.1", "2001:db8::1"):
            assert isinstance(self.ask(park, desk, asking("b", egress=egress), clock.now), Postponed)

    def test_two_sites_behind_one_address_wait_for_each_other_unless_their_gateways_are_known(
        self, park: Database, desk: Desk, clock: Clock
    ) -> None:
        first = self.lend(park, desk, asking("a"), clock.now)
        assert isinstance(self.ask(park, desk, asking("z", OTHER), clock.now), Postponed)
        self.release(park, desk, first, clock.now)
        self.lend(park, desk, asking("a", gateway=b"one"), clock.after(20))
        self.lend(park, desk, asking("z", OTHER, gateway=b"two"), clock.now)

    def test_an_ipv6_subscriber_is_its_56_and_a_mapped_ipv4_is_itself(
        self, park: Database, desk: Desk, clock: Clock
    ) -> None:
        self.lend(park, desk, asking("a", egress="2001:db8:0:ab00::1"), clock.now)
        near, far = asking("z", OTHER, "2001:db8:0:abff::9"), asking("z", OTHER, "2001:db8:0:ac00::9")
        assert isinstance(self.ask(park, desk, near, clock.now), Postponed)
        self.lend(park, desk, far, clock.now)
        mapped = asking("z", OTHER, "::ffff:192.0.2.7")
        self.lend(park, desk, replace(mapped, agent_id="z"), clock.after(40))
        assert isinstance(self.ask(park, desk, asking("a", egress="192.0.2.7"), clock.now), Postponed)

    def test_a_lease_whose_time_is_over_is_taken_over(self, park: Database, desk: Desk, clock: Clock) -> None:
        first = self.lend(park, desk, asking("a"), clock.now)
        self.lend(park, desk, asking("b"), clock.after(TIME_TO_LIVE_SECONDS))
        assert desk.leases.next_ended() is first

    def test_a_machine_that_asks_again_takes_over_its_own_lease(self, park: Database, desk: Desk, clock: Clock) -> None:
        first = self.lend(park, desk, asking("a"), clock.now)
        second = self.lend(park, desk, asking("a"), clock.after(1))
        assert desk.leases.live() == [second]
        with park.write() as transaction:
            end_measurement(transaction, first, None, clock.now)
        assert isinstance(self.ask(park, desk, asking("b"), clock.now), Postponed)

    def test_another_collector_on_the_same_database_sees_the_lease(
        self, park: Database, desk: Desk, clock: Clock
    ) -> None:
        self.lend(park, desk, asking("a"), clock.now)
        other = Desk(Leases(clock), "second")
        assert isinstance(self.ask(park, other, asking("b"), clock.now), Postponed)
        with park.write() as transaction:
            LineClaims(transaction).drop_of_holder("second")
        assert isinstance(self.ask(park, other, asking("b"), clock.after(15)), Postponed)
        with park.write() as transaction:
            LineClaims(transaction).drop_of_holder("first")
        self.lend(park, other, asking("b"), clock.now)

    def test_of_collectors_that_lend_a_line_at_once_one_does(self, park: Database, clock: Clock) -> None:
        desks = [Desk(Leases(clock), f"collector {n}") for n in range(4)]
        agents = ("a", "b", "c", "d")
        with ThreadPoolExecutor(4) as pool:
            given = list(pool.map(lambda n: self.ask(park, desks[n], asking(agents[n]), NOW), range(4)))
        assert sum(isinstance(one, Lease) for one in given) == 1

    def test_who_asks_first_is_served_first_and_nobody_overtakes(
        self, park: Database, desk: Desk, clock: Clock
    ) -> None:
        lease = self.lend(park, desk, asking("a"), clock.now)
        for agent in ("b", "c", "d"):
            assert isinstance(self.ask(park, desk, asking(agent), clock.after(0.1)), Postponed)
        self.release(park, desk, lease, clock.now)
        for impatient in ("d", "c"):
            assert isinstance(self.ask(park, desk, asking(impatient), clock.after(0.1)), Postponed)
        served = []
        for agent in ("b", "c", "d"):
            lease = self.lend(park, desk, asking(agent), clock.after(0.1))
            served.append(agent)
            self.release(park, desk, lease, clock.now)
        assert served == ["b", "c", "d"]

    def test_a_machine_that_never_comes_back_holds_nobody_up_for_long(
        self, park: Database, desk: Desk, clock: Clock
    ) -> None:
        lease = self.lend(park, desk, asking("a"), clock.now)
        gone = self.ask(park, desk, asking("b"), clock.now)
        assert isinstance(gone, Postponed)
        self.ask(park, desk, asking("c"), clock.after(0.1))
        self.release(park, desk, lease, clock.now)
        clock.after(gone.retry_after.total_seconds() + desk.queueing.grace.total_seconds())
        self.lend(park, desk, asking("c"), clock.now)

    def test_a_storm_of_machines_is_served_in_order_and_one_at_a_time(
        self, park: Database, desk: Desk, clock: Clock
    ) -> None:
        """The storm of tests/bench/lease_storm.py, on a clock that does not wait."""
        in_line = random.Random(7).sample(range(self.STORM), self.STORM)  # noqa: S311 – the same order in every run
        back = {f"s{n:03}": NOW + timedelta(milliseconds=place) for place, n in enumerate(in_line)}
        asked_first, served = list(back), list[str]()
        free_at, holding = NOW, None
        with park.write() as transaction:
            for name in back:
                Agents(transaction).add(AgentRow(id=name, finess=SITE, fingerprint=b"f", enrolled_at=NOW))
            while back:
                agent = min(back, key=lambda one: back[one])
                clock.now = max(clock.now, back[agent])
                if holding is not None and clock.now >= free_at:
                    desk.leases.release(holding.agent_id, holding.token)
                    end_measurement(transaction, holding, None, free_at)
                    holding = None
                answer = desk.ask(transaction, asking(agent, method=LATENCY), PROFILE, DEMAND, clock.now)
                if isinstance(answer, Postponed):
                    back[agent] = clock.now + answer.retry_after
                else:
                    assert holding is None
                    holding, free_at = answer, clock.now + timedelta(seconds=10)
                    served.append(agent)
                    del back[agent]
        assert sorted(served) == sorted(asked_first)
        assert max(abs(place - asked_first.index(one)) for place, one in enumerate(served)) <= 2
        # Ten seconds each, and little time lost in between.
        assert clock.now - NOW < timedelta(seconds=self.STORM * 10 * 1.3)

    def test_the_collector_lends_no_more_than_its_own_uplink_bears(self, park: Database, clock: Clock) -> None:
        desk = Desk(Leases(clock, uplink_bits_per_second=60e6), "first")
        lease = self.lend(park, desk, asking("a"), clock.now)
        assert lease.server_load == 0
        refused = self.ask(park, desk, asking("z", OTHER, "198.51.100.1"), clock.now)
        assert isinstance(refused, Postponed)
        assert "Le collecteur mesure déjà" in refused.reason
        self.release(park, desk, lease, clock.now)
        self.lend(park, desk, asking("z", OTHER, "198.51.100.1"), clock.after(5))

    @pytest.mark.parametrize(
        ("method", "demand", "direction", "targets", "most_bytes"),
        [
            (SUFFICIENCY, 20e6, Profile.BOTH, (25e6, 25e6), 13_000_000),
            (SUFFICIENCY, 20e6, Profile.DOWN, (25e6, 0), 13_000_000),
            (SUFFICIENCY, 0, Profile.BOTH, (2.5e6, 2.5e6), 2_500_000),
            (CAPACITY, 20e6, Profile.BOTH, (0, 0), 16_000_000),
            (CAPACITY, 10e9, Profile.BOTH, (0, 0), 64_000_000),
            (LATENCY, 20e6, Profile.BOTH, (0, 0), 300_000),
            (LINE_METHOD_UNSPECIFIED, 20e6, Profile.BOTH, (0, 0), 16_000_000),
        ],
    )
    def test_a_lease_says_how_to_measure_and_how_much_may_move(
        self,
        park: Database,
        desk: Desk,
        method: int,
        demand: float,
        direction: Profile.Direction.ValueType,
        targets: tuple[float, float],
        most_bytes: int,
    ) -> None:
        profile = Profile(bits_per_second_per_user=2e6, direction=direction)
        lease = self.ask(park, desk, asking("a", method=method), NOW, profile=profile, demand=demand)
        assert isinstance(lease, Lease)
        assert (lease.down_target_bits_per_second, lease.up_target_bits_per_second) == targets
        assert lease.user_bits_per_second == 2e6
        assert 0 < lease.bytes_per_direction <= most_bytes

    def test_a_line_paid_by_volume_is_left_alone_unless_the_profile_allows_it(self, park: Database, desk: Desk) -> None:
        refused = self.ask(park, desk, asking("a", metered=True), NOW)
        assert isinstance(refused, Postponed)
        assert "facturée au volume" in refused.reason
        self.lend(park, desk, asking("a", metered=True, method=LATENCY), NOW)
        allowed = Profile(bits_per_second_per_user=2e6, measures_metered_lines=True)
        assert isinstance(self.ask(park, desk, asking("a", metered=True), NOW, profile=allowed), Lease)

    def _spend(self, park: Database, amount: int, at: datetime) -> None:
        with park.write() as transaction:
            LineMeasurements(transaction).begin(
                LineMeasurementRow(
                    id=f"{at}", finess=SITE, agent_id="a", egress=b"", method=SUFFICIENCY, attended=True,
                    wireless=False, began_at=at, ended_at=at, bytes_moved=amount,
                )
            )  # fmt: skip

    def test_a_sites_budget_of_the_day_ends_at_its_midnight(self, park: Database, desk: Desk, clock: Clock) -> None:
        yesterday = NOW.replace(hour=22, minute=59) - timedelta(days=1)
        self._spend(park, 2 * DAY_BYTES, yesterday)
        lease = self.lend(park, desk, asking("a"), NOW)
        self.release(park, desk, lease, NOW)
        self._spend(park, 2 * DAY_BYTES, yesterday + timedelta(minutes=1))
        refused = self.ask(park, desk, asking("a"), NOW)
        assert isinstance(refused, Postponed)
        assert "aujourd'hui est atteint" in refused.reason
        assert timedelta(hours=10) < refused.retry_after < timedelta(hours=24)

    def test_a_profile_sets_its_own_budget_of_the_day_and_of_the_month(self, park: Database, desk: Desk) -> None:
        tight = Profile(bits_per_second_per_user=2e6, line_bytes_per_day=1_000_000)
        assert isinstance(self.ask(park, desk, asking("a"), NOW, profile=tight), Postponed)
        self._spend(park, 90_000_000, NOW - timedelta(days=10))
        month = Profile(bits_per_second_per_user=2e6, line_bytes_per_month=100_000_000)
        refused = self.ask(park, desk, asking("a"), NOW, profile=month)
        assert isinstance(refused, Postponed)
        assert "ce mois-ci est atteint" in refused.reason
        assert refused.retry_after > timedelta(days=7)

    def test_a_large_site_has_room_for_its_tests(self, park: Database, desk: Desk) -> None:
        self.lend(park, desk, asking("a"), NOW, demand=100e6)

    def _elect(self, park: Database, *agents: str, at: datetime = NOW, metered: bool = False) -> None:
        with park.write() as transaction:
            for agent in agents:
                LineCandidates(transaction).save(
                    LineCandidateRow(agent_id=agent, finess=SITE, wireless=False, metered=metered, seen_at=at)
                )

    def _turn(self, park: Database, agent: str, now: datetime) -> datetime | None:
        with park.read() as transaction:
            return line_schedule.next_turn(transaction, SITE, agent, now, metered=False)

    def test_a_machine_measures_by_itself_only_when_its_turn_has_come(
        self, park: Database, desk: Desk, clock: Clock
    ) -> None:
        self._elect(park, "a")
        at = self._turn(park, "a", NOW)
        assert at is not None
        early = self.ask(park, desk, asking("a", attended=False), at - timedelta(minutes=20))
        assert isinstance(early, Postponed)
        clock.now = at
        lease = self.lend(park, desk, asking("a", attended=False), at)
        self.release(park, desk, lease, at, figure(down_bits_per_second=1e6))
        following = self._turn(park, "a", at)
        assert following is not None
        assert following > at + timedelta(minutes=30)
        done = self.ask(park, desk, asking("a", attended=False), at + timedelta(minutes=1))
        assert isinstance(done, Postponed)
        assert done.reason.startswith(("La prochaine mesure", "Rien n'est mesuré"))

    def test_a_stand_in_measures_when_the_first_is_switched_off_and_not_when_it_was_not(
        self, park: Database, desk: Desk, clock: Clock
    ) -> None:
        self._elect(park, "a", "b", "c")
        turns = {agent: at for agent in ("a", "b", "c") if (at := self._turn(park, agent, NOW))}
        first, second, third = sorted(turns, key=lambda agent: turns[agent])
        assert turns[second] - turns[first] >= line_clock.STEP / 2
        clock.now = turns[second]
        lease = self.lend(park, desk, asking(second, attended=False), turns[second])
        self.release(park, desk, lease, turns[second], figure(down_bits_per_second=1e6))
        assert isinstance(self.ask(park, desk, asking(third, attended=False), turns[third]), Postponed)

    def test_a_machine_that_is_not_elected_or_not_heard_of_has_no_turn(self, park: Database, desk: Desk) -> None:
        self._elect(park, "a", at=NOW - line_schedule.HEARD_WITHIN)
        self._elect(park, "b", metered=True)
        assert self._turn(park, "a", NOW) is None
        assert self._turn(park, "b", NOW) is None
        refused = self.ask(park, desk, asking("c", attended=False), NOW)
        assert isinstance(refused, Postponed)
        assert refused.reason == "D'autres postes du site mesurent la ligne."

    def test_an_agent_of_before_measures_when_it_likes(self, park: Database, desk: Desk) -> None:
        self.lend(park, desk, asking("a", attended=False, method=LINE_METHOD_UNSPECIFIED), NOW)

    def test_what_a_machine_says_again_is_not_news(self, park: Database) -> None:
        self._elect(park, "a")
        with park.read() as transaction:
            for change, news in (
                ({}, False),
                ({"seen_at": NOW + timedelta(hours=13)}, True),
                ({"wireless": True}, True),
                ({"agent_id": "b"}, True),
            ):
                row = LineCandidateRow(agent_id="a", finess=SITE, wireless=False, metered=False, seen_at=NOW)
                for name, value in change.items():
                    setattr(row, name, value)
                assert line_schedule.is_news(transaction, row) is news

    def test_figures_that_overlap_on_one_line_are_both_marked(self, park: Database, clock: Clock) -> None:
        """Two collectors that could not see each other's claims, as when the database was away."""
        one, two = Desk(Leases(clock), "first"), Desk(Leases(clock), "second")
        first = self.lend(park, one, asking("a"), clock.now)
        one.leases.spend("a", first.token, "down", 1000)
        with park.write() as transaction:
            LineClaims(transaction).drop_of_holder("first")
        second = self.lend(park, two, asking("b"), clock.after(16))
        two.leases.spend("b", second.token, "down", 1000)
        assert not self.release(park, one, first, clock.after(4), figure(down_bits_per_second=4e6))
        assert self.release(park, two, second, clock.after(4), figure(down_bits_per_second=4e6))
        with park.read() as transaction:
            kept = LineMeasurements(transaction).newest_of_site(SITE, 9)
        assert [(row.agent_id, row.contention, row.bytes_moved) for row in kept] == [
            ("a", True, 1000),
            ("b", True, 1000),
        ]

    def test_one_after_the_other_or_through_another_gateway_is_no_contention(
        self, park: Database, desk: Desk, clock: Clock
    ) -> None:
        for agent, finess, gateway in (("a", SITE, b"1"), ("z", OTHER, b"2"), ("b", SITE, b"1")):
            lease = self.lend(park, desk, asking(agent, finess, gateway=gateway), clock.now)
            desk.leases.spend(agent, lease.token, "down", 10)
            if agent != "a":
                assert not self.release(park, desk, lease, clock.now, figure(down_bits_per_second=4e6))
            else:
                kept = lease
                self.lend(park, desk, asking("z", OTHER, gateway=b"2"), clock.now)
                assert not self.release(park, desk, kept, clock.after(5), figure(down_bits_per_second=4e6))

    def test_a_result_is_kept_once_and_has_the_site_judged_again(
        self, park: Database, desk: Desk, clock: Clock
    ) -> None:
        lease = self.lend(park, desk, asking("a"), clock.now)
        self.release(park, desk, lease, clock.after(5), figure(down_bits_per_second=4e6))
        with park.write() as transaction:
            assert not end_measurement(transaction, lease, figure(down_bits_per_second=9e9), clock.after(5))
        with park.read() as transaction:
            (kept,) = LineMeasurements(transaction).newest_of_site(SITE, 9)
            site = Sites(transaction).find(SITE)
        assert kept.line == figure(down_bits_per_second=4e6)
        assert kept.ended_at == NOW + timedelta(seconds=5)
        assert site is not None
        assert site.revision == 2

    def test_a_result_larger_than_any_measurement_is_refused(self, park: Database, desk: Desk, clock: Clock) -> None:
        lease = self.lend(park, desk, asking("a"), clock.now)
        with pytest.raises(InvalidInput), park.write() as transaction:
            end_measurement(transaction, lease, Line(server="x" * MOST_RESULT_BYTES), clock.now)

    def test_those_who_never_came_back_are_forgotten(self, park: Database, desk: Desk, clock: Clock) -> None:
        with park.write() as transaction:
            LineTurns(transaction).wait(LineTurnRow(finess=SITE, agent_id="d", asked_at=NOW, due_at=NOW))
        self.lend(park, desk, asking("a"), clock.after(60))
        with park.read() as transaction:
            assert LineTurns(transaction).before(SITE, None, NOW - timedelta(days=1)) == (0, None)
