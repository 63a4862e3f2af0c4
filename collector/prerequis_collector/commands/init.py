"""`init`: make the folder of a collector, with its own authority and an empty database."""

import argparse
import ipaddress
import re
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path

from prerequis.command_line import CommandLine, ExitCode
from prerequis.os_errors import why
from prerequis_collector.config import Config, default_database_url
from prerequis_collector.errors import AlreadyThere, InvalidInput, StorageUnavailable
from prerequis_collector.opening import write_secret
from prerequis_collector.services.authority import Authority, key_pem
from prerequis_collector.services.toml import toml
from prerequis_collector.store.database import Database

HELP = "crée le dossier du collecteur, son autorité de certification et sa base"
_NAME = re.compile(
    r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*", re.ASCII | re.I
)
_LOCAL = ("localhost", "127.0.0.1", "::1")


def configure(parser: CommandLine) -> None:
    """Add the arguments."""
    parser.add_argument(
        "--name",
        action="append",
        metavar="MACHINE",
        help="nom ou adresse sous lequel les postes joignent le collecteur, le principal d'abord ; peut être répété",
    )
    parser.add_argument(
        "--database",
        metavar="URL",
        help="base PostgreSQL, vide ou déjà servie par un autre collecteur : postgresql://compte@machine/base ; "
        "par défaut un fichier SQLite dans le dossier",
    )

    parser.add_argument(
        "--ca-cert", type=Path, metavar="FICHIER", help="autorité racine à employer au lieu d'en créer une, PEM"
    )
    parser.add_argument("--ca-key", type=Path, metavar="FICHIER", help="sa clé, ECDSA, PEM sans mot de passe")


def run(arguments: argparse.Namespace) -> ExitCode:
    """Make everything, or nothing; raises AlreadyThere, InvalidInput, StorageUnavailable."""
    data: Path = arguments.data
    authority = _authority(arguments.ca_cert, arguments.ca_key)
    names = tuple(dict.fromkeys((*(arguments.name or [socket.gethostname()]), *_LOCAL)))
    for name in names:
        _check_name(name)
    config = Config(data, names, arguments.database or default_database_url(data), None)
    Database(config.database_url).close()  # before anything is made: is that the address of a database?
    embedded = None if arguments.database else data / "collector.sqlite3"
    made = [config.authority_certificate, config.authority_key, data / "collector.toml"]
    if embedded:
        made += [embedded, Path(f"{embedded}-wal"), Path(f"{embedded}-shm")]
    if any(path.exists() for path in made):
        raise AlreadyThere(f"{data} est déjà le dossier d'un collecteur : rien n'a été changé.")
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageUnavailable(f"Impossible de créer {data} : {why(error)}.") from error
    try:
        write_secret(config.authority_key, key_pem(authority.key))
        write_secret(config.authority_certificate, authority.certificate_pem())
        if embedded:
            write_secret(embedded, b"")  # an empty file is an empty database, and this one keeps its mode
        _make_database(config)
        # Last: its presence says that the folder is complete.
        elsewhere = {"database": arguments.database} if arguments.database else {}
        write_secret(data / "collector.toml", toml({"names": list(names), **elsewhere}).encode())
    except StorageUnavailable:
        for path in made:
            if path.is_file():
                path.unlink()
        raise
    sys.stderr.write(
        f"Collecteur créé dans {data}, joint sous le nom {names[0]}. "
        "Ensuite : « prerequis-collector site add », puis « prerequis-collector serve ».\n"
    )
    return ExitCode.DONE


def _check_name(name: str) -> None:
    """Return when a certificate and a ticket can give this name; raises InvalidInput."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        if not _NAME.fullmatch(name):
            raise InvalidInput(
                f"« {name} » n'est ni un nom de machine ni une adresse : donner --name collecteur.exemple.fr."
            ) from None


def _authority(certificate: Path | None, key: Path | None) -> Authority:
    """Return the authority of these files, or a new one without any."""
    if certificate is None and key is None:
        return Authority.create(datetime.now(UTC))
    if certificate is None or key is None:
        raise InvalidInput("Donner ensemble --ca-cert et --ca-key.")
    try:
        return Authority.of_others(certificate.read_bytes(), key.read_bytes(), datetime.now(UTC))
    except OSError as error:
        raise InvalidInput(f"{error.filename} ne se lit pas : {why(error)}.") from error


def _make_database(config: Config) -> None:
    from prerequis_collector.store import migrate  # Alembic takes a second to load, which other commands should not

    database = Database(config.database_url)
    try:
        migrate.upgrade(database)
    finally:
        database.close()
