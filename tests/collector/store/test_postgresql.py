"""The contract of the store, on PostgreSQL, and what is PostgreSQL's own."""

import traceback
from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from tests.collector.postgresql import new_database
from tests.collector.store.contract import StoreContract
from tests.collector.store.judging_contract import JudgingContract
from tests.collector.store.keeping_contract import KeepingContract
from tests.collector.store.known_sites import SITE
from tests.collector.store.writer_contract import WriterContract

from prerequis_collector.errors import InvalidInput, SchemaMismatch, StorageUnavailable
from prerequis_collector.store import migrate, schema
from prerequis_collector.store.database import Database, shown_url
from prerequis_collector.store.sites import SiteRow, Sites

# One of the processes that run tests starts a server, not all.
pytestmark = pytest.mark.xdist_group("postgresql")


class TestPostgresql(StoreContract, JudgingContract, KeepingContract, WriterContract):
    @pytest.fixture
    def database(self, postgresql: Database) -> Database:
        return postgresql


@pytest.fixture
def empty(postgresql_server: str) -> Iterator[Database]:
    with new_database(postgresql_server) as url:
        database = Database(url)
        yield database
        database.close()


def test_an_acknowledged_write_is_on_the_disk_whatever_the_server_is_set_to(empty: Database) -> None:
    with empty.write() as transaction:
        assert transaction.connection().execute(text("SHOW synchronous_commit")).scalar_one() == "on"


def test_a_view_does_not_change_while_others_write_and_cannot_write(empty: Database) -> None:
    migrate.upgrade(empty)
    with empty.read() as transaction:
        assert Sites(transaction).all() == []
        with empty.write() as other:
            Sites(other).save(SiteRow(finess=SITE, name="Les Tilleuls"))
        assert Sites(transaction).all() == []
        assert transaction.connection().execute(text("SHOW transaction_read_only")).scalar_one() == "on"
    with empty.read() as transaction:
        assert [site.finess for site in Sites(transaction).all()] == [SITE]


def test_a_database_of_another_form_is_refused(empty: Database) -> None:
    with pytest.raises(SchemaMismatch):
        schema.check(empty)
    migrate.upgrade(empty)
    schema.check(empty)
    migrate.upgrade(empty)


def test_a_lost_connection_is_said_and_the_next_transaction_gets_another(empty: Database) -> None:
    migrate.upgrade(empty)
    with pytest.raises(StorageUnavailable), empty.write() as transaction:
        mine = transaction.connection().execute(text("SELECT pg_backend_pid()")).scalar_one()
        with empty.write() as other:
            other.connection().execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": mine})
        Sites(transaction).save(SiteRow(finess=SITE, name="Les Tilleuls"))
    with empty.write() as transaction:
        Sites(transaction).save(SiteRow(finess=SITE, name="Les Tilleuls"))
    with empty.read() as transaction:
        assert len(Sites(transaction).all()) == 1


def test_a_server_that_is_not_there_is_unavailable() -> None:
    database = Database("postgresql://nobody@127.0.0.1:1/prerequis")
    with pytest.raises(StorageUnavailable), database.read() as transaction:
        transaction.connection()
    database.close()


_KEPT = "MmeMartin"
_SITES = "INSERT INTO sites (finess, name, profile, revision) VALUES"
# Each has the server's own text quote what was being kept.
_QUOTING = {
    "a key that is there": (f"{_SITES} (:value, 'x', '', 0), (:value, 'y', '', 0)", "violates unique constraint"),
    "a row that lacks something": (f"{_SITES} (:value, NULL, '', 0)", "violates not-null constraint"),
    "a row that refers to nothing": (
        "INSERT INTO elections (finess, agent_id, elected_at) VALUES (:value, :value, now())",
        "violates foreign key constraint",
    ),
    "a value that is no number": ("SELECT CAST(:value AS integer)", "SQLSTATE 22P02"),
}


@pytest.mark.parametrize(("statement", "told"), _QUOTING.values(), ids=_QUOTING)
def test_an_error_of_the_server_is_told_without_what_was_being_kept(empty: Database, statement: str, told: str) -> None:
    migrate.upgrade(empty)
    with pytest.raises(DBAPIError, match=told) as raised, empty.write() as transaction:
        transaction.connection().execute(text(statement), {"value": _KEPT})
    assert _KEPT not in "".join(traceback.format_exception(raised.value))
    assert type(raised.value.orig).__name__ in str(raised.value)


@pytest.mark.parametrize("url", ["mysql://localhost/prerequis", "prerequis", "", "postgresql"])
def test_another_kind_of_database_is_refused_before_anything_is_done(url: str) -> None:
    with pytest.raises(InvalidInput, match="postgresql://"):
        Database(url)


def test_a_password_is_never_printed() -> None:
    assert (
        shown_url("postgresql://dsi:secret@localhost/prerequis") == "postgresql+psycopg://dsi:***@localhost/prerequis"
    )
