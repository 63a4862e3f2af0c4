"""Databases of both kinds, each in the newest form: copying one is quicker than migrating each time."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.collector.postgresql import migrated_template, new_database

from prerequis_collector.store import migrate
from prerequis_collector.store.database import Database


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "collector.sqlite3"
    database = Database(f"sqlite:///{path}")
    migrate.upgrade(database)
    database.close()
    return path


@pytest.fixture
def sqlite(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    path = tmp_path / "collector.sqlite3"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.close()


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: str) -> Iterator[str]:
    with migrated_template(postgresql_server) as name:
        yield name


@pytest.fixture
def postgresql(postgresql_server: str, postgresql_template: str) -> Iterator[Database]:
    with new_database(postgresql_server, postgresql_template) as url:
        database = Database(url)
        yield database
        database.close()
