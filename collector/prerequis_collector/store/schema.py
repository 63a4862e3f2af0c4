"""The form of the database: what the code expects, what the file has, and how to get from one to the other."""

import pkgutil
from importlib import import_module
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData
from sqlmodel import SQLModel

import prerequis_collector.store
from prerequis_collector.errors import SchemaMismatch
from prerequis_collector.store.database import Database, Transaction


def metadata() -> MetaData:
    """Return the tables of every repository; they are found by walking the package."""
    for module in pkgutil.iter_modules(prerequis_collector.store.__path__):
        import_module(f"{prerequis_collector.store.__name__}.{module.name}")
    return SQLModel.metadata


def upgrade(database: Database) -> None:
    """Bring the database to the newest form, in one transaction; nothing changes when it has it."""
    with database.write() as transaction:
        command.upgrade(configuration(transaction), "head")


def check(database: Database) -> None:
    """Return when the database has the form that this version expects; raises SchemaMismatch."""
    with database.read() as transaction:
        expected = ScriptDirectory.from_config(configuration(transaction)).get_current_head()
        found = MigrationContext.configure(transaction.connection()).get_current_revision()
    if found != expected:
        raise SchemaMismatch(
            "La base de données n'est pas au format de cette version : lancer « prerequis-collector upgrade »."
        )


def configuration(transaction: Transaction) -> Config:
    """Return what Alembic needs to work within the transaction."""
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    settings.set_main_option("file_template", "%%(rev)s")
    settings.attributes["connection"] = transaction.connection()
    return settings
