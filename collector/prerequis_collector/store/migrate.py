"""Bringing a database to the form that the code expects."""

from pathlib import Path

from alembic import command
from alembic.config import Config

from prerequis_collector.store.database import Database, Transaction


def upgrade(database: Database) -> None:
    """Bring the database to the newest form, in one transaction; nothing changes when it has it."""
    with database.write() as transaction:
        command.upgrade(configuration(transaction), "head")


def configuration(transaction: Transaction) -> Config:
    """Return what Alembic needs to work within the transaction."""
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    settings.set_main_option("file_template", "%%(rev)s")
    settings.attributes["connection"] = transaction.connection()
    return settings
