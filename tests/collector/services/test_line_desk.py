"""The contract of coordinating lines, on both kinds of database."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.collector.postgresql import new_database
from tests.collector.services.line_contract import LineContract

from prerequis_collector.store import migrate
from prerequis_collector.store.database import Database


class TestSqlite(LineContract):
    @pytest.fixture
    def database(self, tmp_path: Path) -> Iterator[Database]:
        database = Database(f"sqlite:///{tmp_path / 'collector.sqlite3'}")
        migrate.upgrade(database)
        yield database
        database.close()


@pytest.mark.xdist_group("postgresql")
class TestPostgresql(LineContract):
    @pytest.fixture
    def database(self, postgresql_server: str, postgresql_template: str) -> Iterator[Database]:
        with new_database(postgresql_server, postgresql_template) as url:
            database = Database(url)
            yield database
            database.close()
