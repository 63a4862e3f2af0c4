"""`upgrade`: bring the database to the form that this version expects."""

import argparse
import sys

from prerequis.command_line import CommandLine, ExitCode
from prerequis_collector import config
from prerequis_collector.store.database import Database

HELP = "met la base au format de cette version ; arrêter d'abord le collecteur"


def configure(parser: CommandLine) -> None:
    """Add nothing: there is nothing to choose."""


def run(arguments: argparse.Namespace) -> ExitCode:
    """Upgrade in one transaction; raises InvalidInput, StorageUnavailable."""
    from prerequis_collector.store import migrate  # Alembic takes a second to load, which other commands should not

    database = Database(config.load(arguments.data).database_url)
    try:
        migrate.upgrade(database)
    finally:
        database.close()
    sys.stderr.write("La base est au format de cette version.\n")
    return ExitCode.DONE
