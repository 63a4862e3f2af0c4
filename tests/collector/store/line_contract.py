"""Who may measure a line, and how much, on every kind of database; a subclass gives the `database` fixture."""

import math
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from tests.collector.store.line_park import DEMAND, NOW, OTHER, PROFILE, SITE, Clock, LinePark, asking

from prerequis.v1.line_pb2 import CAPACITY, LATENCY, LINE_METHOD_UNSPECIFIED, SUFFICIENCY
from prerequis.v1.register_pb2 import Profile
from prerequis_collector.services.lease import TIME_TO_LIVE_SECONDS, Lease, Leases
from prerequis_collector.services.line_desk import DAY_BYTES, Desk, Postponed
from prerequis_collector.services.line_results import end_measurement
from prerequis_collector.store.agents import AgentRow, Agents
from prerequis_collector.store.database import Database
from prerequis_collector.store.line_claims import LineClaims
from prerequis_collector.store.line_measurements import LineMeasurementRow, LineMeasurements


class LineContract(LinePark):
    STORM = 80
    """Machines of one site that ask at once."""

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

    @pytest.mark.parametrize("lasting", [1, 10])
    def test_a_storm_of_machines_is_served_in_order_and_one_at_a_time(
        self, park: Database, desk: Desk, clock: Clock, lasting: int
    ) -> None:
        """The storm of tests/bench/lease_storm.py, on a clock that does not wait."""
        in_line = random.Random(7).sample(range(self.STORM), self.STORM)  # noqa: S311 – the same order in every run
        back = {f"s{n:03}": NOW + timedelta(milliseconds=place) for place, n in enumerate(in_line)}
        asked_first, served = list(back), list[str]()
        free_at, holding, calls = NOW, None, 0
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
                calls += 1
                answer = desk.ask(transaction, asking(agent, method=LATENCY), PROFILE, DEMAND, clock.now)
                if isinstance(answer, Postponed):
                    back[agent] = clock.now + answer.retry_after
                else:
                    assert holding is None
                    holding, free_at = answer, clock.now + timedelta(seconds=lasting)
                    served.append(agent)
                    del back[agent]
        assert sorted(served) == sorted(asked_first)
        assert max(abs(place - asked_first.index(one)) for place, one in enumerate(served)) <= 2
        # What they take, and little time lost in between. Who waits asks as often as its place has halves, and some.
        assert clock.now - NOW < timedelta(seconds=self.STORM * lasting) + 0.8 * self.STORM * desk.queueing.step
        assert calls < self.STORM * (math.log2(self.STORM) + 3 + lasting)

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
        assert isinstance(self.ask(park, desk, asking("a"), NOW, demand=100e6), Lease)
