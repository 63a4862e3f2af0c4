"""`backup`: write one file from which the collector can be made again; it may serve meanwhile."""

import argparse
import sys
from pathlib import Path

from prerequis.command_line import CommandLine, ExitCode
from prerequis.os_errors import why
from prerequis_collector import config
from prerequis_collector.config import Config, default_database_url
from prerequis_collector.errors import InvalidInput
from prerequis_collector.opening import opened_database, write_secret
from prerequis_collector.store.backup import write_backup

HELP = "sauvegarde le collecteur dans un fichier, même pendant qu'il sert"


def configure(parser: CommandLine) -> None:
    """Add the arguments."""
    parser.add_argument("file", type=Path, metavar="FICHIER", help="fichier à écrire ; il ne doit pas exister")


def run(arguments: argparse.Namespace) -> ExitCode:
    """Write the backup whole, or nothing; raises InvalidInput, AlreadyThere, StorageUnavailable."""
    known, path = config.load(arguments.data), arguments.file
    if known.database_url != default_database_url(known.data):
        raise InvalidInput(
            "La base de ce collecteur est sur un serveur : la sauvegarder avec « pg_dump --format=custom », et mettre "
            "sous clé collector.toml, authority.pem, authority.key, bundle.key, server.pem et server.key de ce dossier."
        )
    files = {file.name: _content(file) for file in _files(known)}
    with opened_database(known) as database:
        write_secret(path, b"")  # an empty file is an empty database, and this one keeps its mode
        try:
            write_backup(database, path, files)
        except BaseException:
            path.unlink()
            raise
    sys.stderr.write(f"Sauvegarde écrite dans {path} ; elle contient la clé de l'autorité : la mettre sous clé.\n")
    if known.rules is not None:
        sys.stderr.write(f"Les règles propres n'y sont pas ; sauvegarder aussi {known.rules}.\n")
    return ExitCode.DONE


def _files(known: Config) -> tuple[Path, ...]:
    made_by_init = known.data / "collector.toml", known.authority_certificate, known.authority_key
    # The certificate may be one that another authority signed, which nobody here can make again.
    made_later = known.bundle_key, known.server_certificate, known.server_key
    return (*made_by_init, *(one for one in made_later if one.exists()))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path} est illisible : {why(error)}.") from error
