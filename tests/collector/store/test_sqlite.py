"""The contract of the store, on SQLite, and what is SQLite's own."""

from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from tests.collector.store.contract import StoreContract
from tests.collector.store.judging_contract import JudgingContract
from tests.collector.store.keeping_contract import KeepingContract
from tests.collector.store.known_sites import NOW, SITE
from tests.collector.store.writer_contract import WriterContract

from prerequis_collector.errors import SchemaMismatch, StorageUnavailable
from prerequis_collector.store import migrate, schema
from prerequis_collector.store.agents import AgentRow, Agents
from prerequis_collector.store.database import Database
from prerequis_collector.store.sites import SiteRow, Sites
from prerequis_collector.store.writer import Writer


class TestSqlite(StoreContract, JudgingContract, KeepingContract, WriterContract):
    @pytest.fixture
    def database(self, sqlite: Database) -> Database:
        return sqlite


def test_an_acknowledged_write_is_on_the_disk_and_references_hold(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'collector.sqlite3'}")
    with database.read() as transaction:
        pragmas = {
            name: transaction.connection().execute(text(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    database.close()
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_a_database_of_another_form_is_refused(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'collector.sqlite3'}")
    with pytest.raises(SchemaMismatch):
        schema.check(database)
    migrate.upgrade(database)
    schema.check(database)
    migrate.upgrade(database)
    database.close()


def test_what_was_being_kept_is_not_in_the_text_of_an_error(sqlite: Database) -> None:
    with pytest.raises(IntegrityError) as told, sqlite.write() as transaction:
        Agents(transaction).add(AgentRow(id="poste-7", finess="990000010", fingerprint=b"f", enrolled_at=NOW))
    assert "poste-7" not in str(told.value)
    assert "990000010" not in str(told.value)


def test_a_full_database_refuses_cleanly_and_recovers(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'collector.sqlite3'}")
    migrate.upgrade(database)
    writer = Writer(database)
    with database.engine.connect() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar_one()
    database.close()

    def limit(maximum: int) -> None:
        writer.submit(lambda transaction: transaction.connection().execute(text(f"PRAGMA max_page_count = {maximum}")))

    limit(pages)
    with pytest.raises(StorageUnavailable, match="disque plein"):
        writer.submit(lambda transaction: Sites(transaction).save(SiteRow(finess=SITE, name="x" * 100_000))).result(60)
    limit(1_000_000)
    writer.submit(lambda transaction: Sites(transaction).save(SiteRow(finess=SITE, name="Les Tilleuls"))).result(60)
    writer.close()
    with database.read() as transaction:
        assert [site.name for site in Sites(transaction).all()] == ["Les Tilleuls"]
    database.close()


def test_a_damaged_file_is_unavailable_and_told_apart_from_a_full_disk(sqlite_template: Path, tmp_path: Path) -> None:
    path = tmp_path / "collector.sqlite3"
    whole = sqlite_template.read_bytes()
    for content in (b"no database at all", whole[:8192] + bytes(len(whole) - 8192)):
        path.write_bytes(content)
        database = Database(f"sqlite:///{path}")
        with pytest.raises(StorageUnavailable, match="La base de données est abîmée"), database.read() as transaction:
            Sites(transaction).all()
        database.close()


def test_the_form_expected_is_the_newest_migration(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'collector.sqlite3'}")
    with database.write() as transaction:
        assert ScriptDirectory.from_config(migrate.configuration(transaction)).get_current_head() == schema.HEAD
    database.close()


def test_the_writer_outlives_any_failure_of_the_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database(f"sqlite:///{tmp_path / 'collector.sqlite3'}")
    migrate.upgrade(database)
    writer = Writer(database)
    with monkeypatch.context() as broken:
        broken.setattr(database, "write", lambda: 1 / 0)
        assert isinstance(writer.submit(lambda transaction: None).exception(10), ZeroDivisionError)
    assert writer.submit(lambda transaction: 1).result(60) == 1
    writer.close()
    database.close()
