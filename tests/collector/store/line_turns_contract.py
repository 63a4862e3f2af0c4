"""When a machine measures by itself, and what is kept; a subclass gives the `database` fixture."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import pytest
from tests.collector.store.line_park import NOW, OTHER, SITE, Clock, LinePark, asking, figure

from prerequis.v1.facts_pb2 import Line
from prerequis.v1.line_pb2 import LINE_METHOD_UNSPECIFIED
from prerequis_collector.errors import InvalidInput
from prerequis_collector.services import line_clock, line_schedule
from prerequis_collector.services.judge import known_site
from prerequis_collector.services.lease import Lease, Leases
from prerequis_collector.services.line_desk import Desk, Postponed
from prerequis_collector.services.line_results import MOST_RESULT_BYTES, Discard, end_measurement, weigh
from prerequis_collector.services.origins import LONGEST_MACHINE, REPLACED, apart, keep_machine, separate
from prerequis_collector.store.agents import Agents
from prerequis_collector.store.database import Database, Transaction
from prerequis_collector.store.line_candidates import LineCandidateRow, LineCandidates
from prerequis_collector.store.line_claims import LineClaims
from prerequis_collector.store.line_measurements import LineMeasurements
from prerequis_collector.store.line_turns import LineTurnRow, LineTurns
from prerequis_collector.store.sites import Sites


class LineTurnsContract(LinePark):
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

    def test_an_identity_in_quarantine_measures_nothing_that_counts_and_leaves_its_turn_to_others(
        self, park: Database, desk: Desk, clock: Clock
    ) -> None:
        self._elect(park, "a", "b")
        at = self._turn(park, "b", NOW)
        assert at is not None
        for agent, moment, rate in (("a", NOW, 30e6), ("b", at, 4e6)):
            clock.now = moment
            lease = self.lend(park, desk, asking(agent), moment)
            self.release(park, desk, lease, clock.after(1), figure(down_bits_per_second=rate))
        before = self._turn(park, "a", NOW)
        with park.write() as transaction:
            copied = Agents(transaction).find("b")
            assert copied is not None
            copied.quarantined = True
            Agents(transaction).save([copied])
        with park.read() as transaction:
            agents, rows = Agents(transaction), LineMeasurements(transaction).newest_of_site(SITE, 9)
            assert agents.quarantined(SITE) == {"b"}
            assert agents.quarantined(OTHER) == set()
            weighed = {one.row.agent_id: one.discard for one in weigh(rows, apart(agents.odd()))}
            assert weighed == {"a": Discard.DISCARD_UNSPECIFIED, "b": Discard.COPIED}
            assert [row.agent_id for row in known_site(transaction, SITE).measurements] == ["a"]
        assert self._turn(park, "b", NOW) is None
        after = self._turn(park, "a", NOW)
        assert before is not None and after is not None and after <= before

    def test_what_a_machine_measured_counts_for_the_identity_while_it_stands(
        self, park: Database, desk: Desk, clock: Clock
    ) -> None:
        def counted() -> list[str]:
            with park.read() as transaction:
                rows, odd = LineMeasurements(transaction).newest_of_site(SITE, 9), Agents(transaction).odd(SITE)
                judged = [row.machine for row in known_site(transaction, SITE).measurements]
                assert judged == [one.row.machine for one in weigh(rows, apart(odd)) if one.sample is not None]
                return judged

        def decide(decision: Callable[[Transaction], None]) -> None:
            with park.write() as transaction:
                decision(transaction)

        for machine in ("", "aa", "bb"):
            lease = self.lend(park, desk, asking("a", machine=machine), clock.after(60))
            self.release(park, desk, lease, clock.after(1), figure(down_bits_per_second=4e6))
        # The second machine puts the identity in quarantine by asking, as by a report.
        assert counted() == []
        decide(lambda transaction: separate(transaction, "a", author="console", now=clock.now))
        assert counted() == ["", "aa", "bb"]
        for kept, other in (("bb", "aa"), ("aa", "bb")):
            decide(partial(keep_machine, agent_id="a", machine=kept, author="console", now=clock.now))
            assert counted() == ["", kept]
            refused = self.ask(park, desk, asking("a", machine=other), clock.after(60))
            assert isinstance(refused, Postponed)
            assert refused.reason == REPLACED
            lease = self.lend(park, desk, asking("a", machine=kept), clock.after(1))
            self.release(park, desk, lease, clock.after(1))
        with pytest.raises(InvalidInput, match="de quelle machine"):
            self.ask(park, desk, asking("a", machine="c" * (LONGEST_MACHINE + 1)), clock.now)

    def test_the_first_machine_that_asks_is_the_one_of_its_identity(
        self, park: Database, desk: Desk, clock: Clock
    ) -> None:
        self.release(park, desk, self.lend(park, desk, asking("a", machine="aa"), clock.now), clock.after(1))
        self.release(park, desk, self.lend(park, desk, asking("a", machine="aa"), clock.after(1)), clock.after(1))
        with park.read() as transaction:
            (agent,) = Agents(transaction).family("a")
        assert (agent.machine, agent.quarantined, agent.last_seen) == ("aa", False, NOW)

    def test_an_agent_of_before_measures_when_it_likes(self, park: Database, desk: Desk) -> None:
        by_itself = asking("a", attended=False, method=LINE_METHOD_UNSPECIFIED)
        assert isinstance(self.ask(park, desk, by_itself, NOW), Lease)

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
