"""What the writer does on every kind of database; a subclass gives the `database` fixture."""

from collections.abc import Callable

import pytest
from tests.collector.store.known_sites import OTHER, SITE

from prerequis_collector.errors import CollectorError, InvalidInput, Overloaded, StorageUnavailable
from prerequis_collector.store.database import Database, Transaction
from prerequis_collector.store.sites import SiteRow, Sites
from prerequis_collector.store.writer import Writer


class WriterContract:
    def test_what_waits_is_written_in_one_transaction(self, database: Database) -> None:
        writer = Writer(database)
        started = writer.submit(lambda transaction: transaction.connection())
        futures = [writer.submit(_adding(f"33000{n:04}")) for n in range(40)]
        assert started.result(60) is not None
        assert all(future.result(60) is None for future in futures)
        writer.close()
        with database.read() as transaction:
            assert len(Sites(transaction).all()) == 40

    def test_a_job_that_fails_takes_nothing_else_with_it(self, database: Database) -> None:
        def fails(transaction: Transaction) -> None:
            Sites(transaction).save(SiteRow(finess=OTHER, name="half-done"))
            raise InvalidInput("non")

        writer = Writer(database)
        before, failing, after = writer.submit(_adding(SITE)), writer.submit(fails), writer.submit(_adding("330000035"))
        assert before.result(60) is None
        assert after.result(60) is None
        assert isinstance(failing.exception(60), CollectorError)
        writer.close()
        with database.read() as transaction:
            assert [site.finess for site in Sites(transaction).all()] == [SITE, "330000035"]

    def test_a_full_queue_says_so_and_a_closed_one_too(self, database: Database) -> None:
        writer = Writer(database, capacity=1, batch=1)
        # The lock keeps the writer waiting, so that its queue fills.
        with database.write(), pytest.raises(Overloaded):
            for _ in range(3):
                writer.submit(lambda transaction: None)
        writer.close()
        with pytest.raises(StorageUnavailable):
            writer.submit(lambda transaction: None)


def _adding(finess: str) -> Callable[[Transaction], None]:
    def add(transaction: Transaction) -> None:
        Sites(transaction).save(SiteRow(finess=finess, name="Site"))

    return add
