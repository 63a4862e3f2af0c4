"""Copies of an SQLite database, taken while others write, with the files without which it is worth nothing.

A backup is one SQLite file: the collector's database and a table of files. That table is written last: its presence
says that the backup is complete.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from prerequis_collector.errors import InvalidInput, StorageUnavailable
from prerequis_collector.store.database import Database

_FILES = "backup_files"


def write_backup(database: Database, path: Path, files: Mapping[str, bytes]) -> None:
    """Copy the database as it is at this moment into the empty file, and the files by name; raises StorageUnavailable.

    Writers go on meanwhile: in WAL mode the copy reads one snapshot.
    """
    with (
        _domain_errors(path),
        closing(sqlite3.connect(str(database.engine.url.database))) as source,
        closing(sqlite3.connect(path)) as copy,
    ):
        source.backup(copy)
        # One file, without a log beside it, that can be carried away.
        copy.execute("PRAGMA journal_mode = DELETE")
        with copy:
            copy.execute(f"CREATE TABLE {_FILES} (name TEXT PRIMARY KEY, content BLOB NOT NULL)")
            copy.executemany(f"INSERT INTO {_FILES} VALUES (?, ?)", files.items())  # noqa: S608 – the name is ours


def read_files(path: Path) -> Mapping[str, bytes]:
    """Return the files of a complete and sound backup by name; raises InvalidInput."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as backup:
            files = dict(backup.execute(f"SELECT name, content FROM {_FILES}").fetchall())  # noqa: S608 – as above
            sound = backup.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    except sqlite3.DatabaseError as error:
        raise InvalidInput(f"{path} n'est pas une sauvegarde complète.") from error
    if not sound:
        raise InvalidInput(f"{path} est abîmé : prendre une autre sauvegarde.")
    return files


def copy_database(path: Path, target: Path) -> None:
    """Copy the database of a backup into the empty file; raises StorageUnavailable."""
    with _domain_errors(target), closing(sqlite3.connect(path)) as backup, closing(sqlite3.connect(target)) as copy:
        backup.backup(copy)
        # The table has the authority's key, of which no trace must stay in free pages.
        copy.execute("PRAGMA secure_delete = ON")
        copy.execute(f"DROP TABLE {_FILES}")


@contextmanager
def _domain_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise StorageUnavailable(f"Impossible d'écrire {path} : disque plein ou base inaccessible.") from error
