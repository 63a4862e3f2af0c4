"""The contract of coordinating lines, on both kinds of database."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.collector.postgresql import new_database
from tests.collector.store.line_contract import LineContract

from prerequis_collector.store import migrate
from prerequis_collector.store.database import Database


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database as the migrations leave it: copying it is quicker than migrating each time."""
    path = tmp_path_factory.mktemp("template") / "collector.sqlite3"
    database = Database(f"sqlite:///{path}")
    migrate.upgrade(database)
    database.close()
    return path


class TestSqlite(LineContract):
    @pytest.fixture
    def database(self, template: Path, tmp_path: Path) -> Iterator[Database]:
        path = tmp_path / "collector.sqlite3"
        shutil.copy(template, path)
        database = Database(f"sqlite:///{path}")
        yield database
        database.close()


@pytest.mark.xdist_group("postgresql")
class TestPostgresql(LineContract):
    STORM = 20

    @pytest.fixture
    def database(self, postgresql_server: str, postgresql_template: str) -> Iterator[Database]:
        with new_database(postgresql_server, postgresql_template) as url:
            database = Database(url)
            yield database
            database.close()
