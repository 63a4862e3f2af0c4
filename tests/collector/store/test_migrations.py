"""A database that was kept since the first schema: each migration finds rows, and all are there at the end."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, MetaData, Table, func, select
from tests.collector.postgresql import new_database

from prerequis_collector.store import migrate, schema
from prerequis_collector.store.database import Database, Transaction

_MOMENT = datetime(2026, 9, 1, 8, 30, tzinfo=UTC)
_VALUES = {
    str: "330000019",
    int: 1,
    bytes: b"x",
    bool: False,
    float: 1.0,
    datetime: _MOMENT,
    date: _MOMENT.date(),
    object: [],
}
"""Of each kind of column (object: JSON); the same everywhere, so that what refers to another row finds it."""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.xdist_group("postgresql"))])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path / 'collector.sqlite3'}")
        yield database
        database.close()
        return
    with new_database(request.getfixturevalue("postgresql_server")) as url:
        database = Database(url)
        yield database
        database.close()


def _tables(transaction: Transaction) -> list[Table]:
    found = MetaData()
    found.reflect(transaction.connection())
    return [table for table in found.sorted_tables if table.name != "alembic_version"]


def _count(transaction: Transaction, table: Table) -> int:
    return int(transaction.connection().execute(select(func.count()).select_from(table)).scalar_one())


def _has_own_number(column: "Column[object]") -> bool:
    """Return whether the database numbers the rows by this column itself."""
    return column.primary_key and column.type.python_type is int


def test_rows_of_every_schema_since_the_first_are_there_and_read_in_the_newest(empty: Database) -> None:
    with empty.write() as transaction:
        history = ScriptDirectory.from_config(migrate.configuration(transaction))
        revisions = [one.revision for one in history.walk_revisions()][::-1]
    assert (revisions[0], revisions[-1]) == ("first_schema", schema.HEAD)
    filled: dict[str, int] = {}
    for revision in revisions:
        with empty.write() as transaction:
            command.upgrade(migrate.configuration(transaction), revision)
        with empty.write() as transaction:
            for table in _tables(transaction):
                if not _count(transaction, table):
                    row = {one.name: _VALUES[one.type.python_type] for one in table.columns if not _has_own_number(one)}
                    transaction.connection().execute(table.insert().values(row))
                filled[table.name] = filled.get(table.name) or _count(transaction, table)
    with empty.read() as transaction:
        connection = transaction.connection()
        assert {table.name: _count(transaction, table) for table in _tables(transaction)} == filled
        assert set(filled) == set(schema.metadata().tables)
        for table in schema.metadata().sorted_tables:
            for kept in connection.execute(select(table)).mappings():
                # What a migration added to a row that was there has a value that the code may have put there itself.
                assert [one.name for one in table.columns if kept[one.name] is None and not one.nullable] == []
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata()) == []
        sites = schema.metadata().tables["sites"]
        assert connection.execute(select(sites.c.finess, sites.c.name, sites.c.revision)).one() == (
            "330000019", "330000019", 1,
        )  # fmt: skip
