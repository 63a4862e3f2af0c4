"""The database: where transactions begin and end."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from sqlite3 import Connection as SqliteConnection

from sqlalchemy import Connection, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Session, SQLModel, create_engine

from prerequis_collector.errors import StorageUnavailable

Transaction = Session
"""What every repository is given; services pass it on and never look inside."""

_BUSY_MILLISECONDS = 10_000


class Database:
    """One database by URL; SQLite is tuned so that an acknowledged write survives a power cut."""

    def __init__(self, url: str) -> None:
        self.engine: Engine = create_engine(url)
        if self.engine.dialect.name == "sqlite":
            event.listen(self.engine, "connect", _tune_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Give one consistent view; raises StorageUnavailable when the database does not answer."""
        with _domain_errors(), Session(self.engine, expire_on_commit=False) as transaction:
            yield transaction

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """Give a transaction that is on the disk when the block ends, and undone when the block raises.

        Raises StorageUnavailable when the disk is full, the file may not be written, or another writer holds on.
        """
        with (
            _domain_errors(),
            self.engine.connect().execution_options(writes=True) as connection,
            Session(connection, expire_on_commit=False, autoflush=False) as transaction,
        ):
            yield transaction
            transaction.commit()

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def insert_new(transaction: Transaction, table: type[SQLModel], values: Mapping[str, object]) -> bool:
    """Insert one row unless its key is there; return whether that made a row. One statement: nobody comes between."""
    connection = transaction.connection()
    insert = postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)
    return connection.execute(insert.on_conflict_do_nothing(), values).rowcount == 1


@contextmanager
def _domain_errors() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        raise StorageUnavailable(
            "Le collecteur ne peut rien enregistrer : disque plein ou base inaccessible."
        ) from error


def _tune_sqlite(connection: SqliteConnection, _entry: ConnectionPoolEntry) -> None:
    # The driver's own implicit BEGIN would come too late to cover reads and savepoints.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes its lock at once: a transaction that turned from reading to writing could only fail.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
