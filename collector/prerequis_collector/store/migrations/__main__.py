"""Write the migration from the newest form to what the tables now say: `python -m … "Keep waivers"`."""

import sys

from alembic import command

from prerequis_collector.store.database import Database
from prerequis_collector.store.migrate import configuration, upgrade


def main(message: str) -> None:
    """Write one file into `versions`, named after the message."""
    database = Database("sqlite://")
    upgrade(database)
    with database.write() as transaction:
        settings = configuration(transaction)
        command.revision(settings, message, autogenerate=True, rev_id=message.lower().replace(" ", "_"))


if __name__ == "__main__":
    main(sys.argv[1])
