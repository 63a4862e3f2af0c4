"""The database: where transactions begin and end."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from sqlite3 import Connection as SqliteConnection
from typing import Any

from sqlalchemy import URL, Connection, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Engine
from sqlalchemy.exc import ArgumentError, DatabaseError, InterfaceError, NoSuchModuleError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Session, SQLModel, create_engine

from prerequis_collector.errors import InvalidInput, StorageUnavailable
from prerequis_collector.store.unvalued import leave_values_out

Transaction = Session
"""What every repository is given; services pass it on and never look inside."""

_LAST = "last"
"""Where a transaction keeps what is to be done before its commit."""

_PATIENCE_SECONDS = 10
"""How long a writer waits for another, and anybody for the server of the database."""

LOST = (OperationalError, InterfaceError, PoolTimeout)
"""What SQLAlchemy raises when a transaction cannot be had or was lost: full disk, server gone, lock or deadlock."""

_ENTANGLED = frozenset({"40P01", "40001"})
"""PostgreSQL's deadlock_detected and serialization_failure (its manual, appendix A): the transaction may be retried."""


class Database:
    """One database by URL, set so that an acknowledged write survives a power cut.

    SQLite is a file beside the collector; PostgreSQL (15 or newer) may be shared by several collectors.
    """

    def __init__(self, url: str) -> None:
        """Prepare to connect; raises InvalidInput when the URL is not one of the two, or its driver is missing."""
        parsed = _parsed(url)
        self.shared = parsed.get_backend_name() == "postgresql"
        """Whether other collectors may work on the same database."""
        try:
            # An error's text goes to the log: what was being kept must not.
            self.engine: Engine = create_engine(parsed, hide_parameters=True, **(_POSTGRESQL if self.shared else {}))
        except ModuleNotFoundError as error:
            raise InvalidInput("PostgreSQL demande le module psycopg : installer prerequis[postgresql].") from error
        leave_values_out(self.engine)
        if not self.shared:
            event.listen(self.engine, "connect", _tune_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Give one consistent view; raises StorageUnavailable when the database does not answer."""
        with (
            _domain_errors(),
            self.engine.connect() as connection,
            Session(self._viewing(connection), expire_on_commit=False) as transaction,
        ):
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
            for work in transaction.info.pop(_LAST, ()):
                work(transaction)
            transaction.commit()

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    def _viewing(self, connection: Connection) -> Connection:
        # What a BEGIN already gives in SQLite; PostgreSQL would else let each statement see newer rows.
        if not self.shared:
            return connection
        return connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


_POSTGRESQL: Mapping[str, Any] = {
    "connect_args": {
        "connect_timeout": _PATIENCE_SECONDS,
        "application_name": "prerequis-collector",
        # Whatever the server's own settings say: the receipt of a report is a promise.
        "options": f"-c synchronous_commit=on -c lock_timeout={_PATIENCE_SECONDS}s -c timezone=UTC",
    },
    "pool_size": 16,
    "pool_timeout": _PATIENCE_SECONDS,
    # A server that was restarted in between costs a question, not an error.
    "pool_pre_ping": True,
}


def before_commit(transaction: Transaction, work: Callable[[Transaction], None]) -> None:
    """Have this done once, last of all that the writing transaction does, however often it is asked for."""
    transaction.info.setdefault(_LAST, {})[work] = None


def shown_url(url: str) -> str:
    """Return the URL as it may be printed, without its password; raises InvalidInput."""
    return _parsed(url).render_as_string(hide_password=True)


def insert_new(transaction: Transaction, table: type[SQLModel], values: Mapping[str, object]) -> bool:
    """Insert one row unless its key is there; return whether that made a row. One statement: nobody comes between."""
    connection = transaction.connection()
    insert = postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)
    new = insert.values(values).on_conflict_do_nothing().execution_options(preserve_rowcount=True)
    return connection.execute(new).rowcount == 1


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, NoSuchModuleError, ValueError):
        backend = ""
    match backend:
        case "sqlite":
            return parsed
        case "postgresql" | "postgres":
            return parsed.set(drivername="postgresql+psycopg")
    raise InvalidInput("L'adresse de la base doit commencer par « sqlite:/// » ou « postgresql:// ».")


@contextmanager
def _domain_errors() -> Iterator[None]:
    try:
        yield
    except LOST as error:
        raise StorageUnavailable(
            "Le collecteur ne peut rien enregistrer : disque plein ou base inaccessible.",
            entangled=getattr(getattr(error, "orig", None), "sqlstate", "") in _ENTANGLED,
        ) from error
    except DatabaseError as error:
        if type(error) is not DatabaseError:
            raise  # what one statement did wrong
        # Of no kind: what SQLite says of a file that is damaged, or none of its own.
        raise StorageUnavailable(
            "La base de données est abîmée : arrêter le collecteur et reprendre la dernière sauvegarde."
        ) from error


def _tune_sqlite(connection: SqliteConnection, _entry: ConnectionPoolEntry) -> None:
    # The driver's own implicit BEGIN would come too late to cover reads and savepoints.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_PATIENCE_SECONDS * 1000}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes its lock at once: a transaction that turned from reading to writing could only fail.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
