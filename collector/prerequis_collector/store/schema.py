"""The form of the database: what the code expects, and whether a database has it."""

import pkgutil
from importlib import import_module

from sqlalchemy import MetaData, inspect, text
from sqlmodel import SQLModel

import prerequis_collector.store
from prerequis_collector.errors import SchemaMismatch
from prerequis_collector.store.database import Database

HEAD = "authorities_to_come"
"""The newest file of `migrations/versions`; noted here, because loading Alembic would slow every command down."""


def metadata() -> MetaData:
    """Return the tables of every repository; they are found by walking the package."""
    for module in pkgutil.iter_modules(prerequis_collector.store.__path__):
        import_module(f"{prerequis_collector.store.__name__}.{module.name}")
    return SQLModel.metadata


def check(database: Database) -> None:
    """Return when the database has the form that this version expects; raises SchemaMismatch."""
    with database.read() as transaction:
        connection = transaction.connection()
        noted = inspect(connection).has_table("alembic_version")
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar() if noted else None
    if found != HEAD:
        raise SchemaMismatch(
            "La base de données n'est pas au format de cette version : lancer « prerequis-collector upgrade »."
        )
