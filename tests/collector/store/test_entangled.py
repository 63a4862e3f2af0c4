"""Two collectors on one PostgreSQL whose transactions lock the same rows in opposite order."""

import threading
from collections.abc import Callable

import pytest
from tests.collector.store.line_park import DEMAND, NOW, OTHER, PROFILE, SITE, Clock, LinePark, asking

from prerequis_collector.errors import StorageUnavailable
from prerequis_collector.services.lease import Lease, Leases
from prerequis_collector.services.line_desk import Desk, Postponed
from prerequis_collector.store.database import Database, Transaction
from prerequis_collector.store.sites import Sites
from prerequis_collector.store.writer import Writer

pytestmark = pytest.mark.xdist_group("postgresql")

Answers = dict[str, Lease | Postponed]


class TestEntangled(LinePark):
    @pytest.fixture
    def database(self, postgresql: Database) -> Database:
        return postgresql

    def test_collectors_that_lend_the_same_lines_in_opposite_order_both_go_on(
        self, park: Database, clock: Clock
    ) -> None:
        half_way, attempts = threading.Barrier(2), list[str]()
        machines = {SITE: ("a", "b"), OTHER: ("z", "c")}

        def lending(collector: int, order: tuple[str, str]) -> Callable[[Transaction], Answers]:
            """Return what one transaction does for the callers of two sites, both held up half way the first time."""
            desk, name = Desk(Leases(clock), f"collector {collector}"), f"collector {collector}"

            def work(transaction: Transaction) -> Answers:
                attempts.append(name)
                given = {}
                for finess in order:
                    one = asking(machines[finess][collector], finess, egress=f"198.51.100.{finess[-1]}")
                    given[finess] = desk.ask(transaction, one, PROFILE, DEMAND, NOW)
                    if finess == order[0] and attempts.count(name) == 1:
                        half_way.wait(60)
                return given

            return work

        writers = [Writer(park), Writer(park)]
        orders = ((SITE, OTHER), (OTHER, SITE))
        waiting = [writer.submit(lending(n, orders[n])) for n, writer in enumerate(writers)]
        answers = [each.result(60) for each in waiting]
        for writer in writers:
            writer.close()
        assert sorted(attempts) in (["collector 0"] * 2 + ["collector 1"], ["collector 0"] + ["collector 1"] * 2)
        for finess in (SITE, OTHER):
            assert sum(isinstance(answer[finess], Lease) for answer in answers) == 1

    def test_who_does_not_begin_again_is_told_that_it_would_help(self, park: Database) -> None:
        half_way, problems = threading.Barrier(2), list[StorageUnavailable]()

        def touch(order: tuple[str, str]) -> None:
            try:
                with park.write() as transaction:
                    for finess in order:
                        Sites(transaction).touch(finess)
                        if finess == order[0]:
                            half_way.wait(60)
            except StorageUnavailable as problem:
                problems.append(problem)

        threads = [threading.Thread(target=touch, args=(order,)) for order in ((SITE, OTHER), (OTHER, SITE))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [problem.entangled for problem in problems] == [True]
