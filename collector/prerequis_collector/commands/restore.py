"""`restore`: make the folder of a collector from a backup."""

import argparse
import sys
from pathlib import Path

from prerequis.command_line import CommandLine, ExitCode
from prerequis.os_errors import why
from prerequis_collector.errors import AlreadyThere, InvalidInput, StorageUnavailable
from prerequis_collector.opening import write_secret
from prerequis_collector.store.backup import copy_database, read_files

HELP = "refait le dossier d'un collecteur à partir d'une sauvegarde"
# The configuration last: its presence says that the folder is complete.
_MADE_WHEN_NEEDED = ("bundle.key", "server.key", "server.pem")
_FILES = (*_MADE_WHEN_NEEDED, "authority.pem", "authority.key", "collector.toml")


def configure(parser: CommandLine) -> None:
    """Add the arguments."""
    parser.add_argument("file", type=Path, metavar="FICHIER", help="sauvegarde faite par « backup »")


def run(arguments: argparse.Namespace) -> ExitCode:
    """Make everything in an empty folder, or nothing; raises InvalidInput, AlreadyThere, StorageUnavailable."""
    data, path = arguments.data, arguments.file
    if not path.is_file():
        raise InvalidInput(f"{path} n'est pas un fichier.")
    files = read_files(path)
    if {*files, *_MADE_WHEN_NEEDED} != set(_FILES):
        raise InvalidInput(f"{path} n'est pas une sauvegarde complète.")
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(data.iterdir()):
            raise AlreadyThere(f"{data} n'est pas vide : rien n'a été changé.")
    except OSError as error:
        raise StorageUnavailable(f"Impossible de créer {data} : {why(error)}.") from error
    try:
        database = data / "collector.sqlite3"
        write_secret(database, b"")
        copy_database(path, database)
        for name in [one for one in _FILES if one in files]:
            write_secret(data / name, files[name])
    except BaseException:
        for made in data.iterdir():
            made.unlink()
        raise
    sys.stderr.write(f"Collecteur refait dans {data} ; révoquer de nouveau ce qui l'a été depuis la sauvegarde.\n")
    return ExitCode.DONE
