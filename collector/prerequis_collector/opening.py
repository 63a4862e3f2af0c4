"""Opening what `init` made: the database, the authority and the rules of a folder."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from prerequis.os_errors import why
from prerequis.sealing import NotSealed, new_identity, recipient_of
from prerequis_collector.config import Config
from prerequis_collector.errors import AlreadyThere, InvalidInput, StorageUnavailable
from prerequis_collector.server_identity import ServerIdentity
from prerequis_collector.services.authority import Authority, key_pem, new_key
from prerequis_collector.store import schema
from prerequis_collector.store.database import Database
from prerequis_rules.load import load_pack
from prerequis_rules.pack import Pack
from prerequis_rules.schema import PackError


@contextmanager
def opened_database(config: Config) -> Iterator[Database]:
    """Give the database, in the form that this version expects; raises SchemaMismatch, StorageUnavailable."""
    database = Database(config.database_url)
    try:
        schema.check(database)
        yield database
    finally:
        database.close()


def load_authority(config: Config) -> Authority:
    """Return the folder's authority; raises InvalidInput when its files are gone or closed to this account.

    And when it does not hold at the date of this machine, whose clock is then the likely fault.
    """
    try:
        authority = Authority.load(config.authority_certificate.read_bytes(), config.authority_key.read_bytes())
    except OSError as error:
        raise InvalidInput(f"L'autorité de {config.data} est illisible : {why(error)}.") from error
    authority.check_clock(datetime.now(UTC))
    return authority


def bundle_identity(config: Config) -> str:
    """Return the private key that opens bundles, made when first asked for; raises InvalidInput, StorageUnavailable."""
    try:
        if not config.bundle_key.exists():
            with contextlib.suppress(AlreadyThere):  # another command has just made it
                write_secret(config.bundle_key, new_identity().encode() + b"\n")
        return config.bundle_key.read_text().strip()
    except OSError as error:
        raise InvalidInput(f"{config.bundle_key} est illisible : {why(error)}.") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{config.bundle_key} est abîmé : le reprendre d'une sauvegarde.") from error


def bundle_recipient(config: Config) -> str:
    """Return the public key to which bundles for this collector are sealed; raises as bundle_identity."""
    try:
        return recipient_of(bundle_identity(config))
    except NotSealed as error:
        raise InvalidInput(f"{config.bundle_key} est abîmé : le reprendre d'une sauvegarde.") from error


def load_rules(config: Config) -> Pack:
    """Return the rule pack in force; raises InvalidInput with every fault of its files."""
    try:
        return load_pack(config.rules, cache=config.data / "cache")
    except PackError as error:
        raise InvalidInput(f"Les règles sont fautives :\n{error}") from error


def server_identity(config: Config, authority: Authority, now: datetime) -> ServerIdentity:
    """Return what the collector shows as it starts: a certificate that somebody installed, or else a fresh one.

    Raises StorageUnavailable.
    """
    with contextlib.suppress(OSError, InvalidInput):  # none yet, or damaged
        installed = ServerIdentity(config.server_certificate, config.server_key)
        if installed.current().ends > now and not is_ours(installed, authority):
            return installed
    return renew_server_identity(config, authority)


def is_ours(identity: ServerIdentity, authority: Authority) -> bool:
    """Return whether the collector's authority signed its certificate, so that the collector can renew it itself."""
    return authority.vouches_for(x509.load_pem_x509_certificate(identity.current().chain))


def renew_server_identity(config: Config, authority: Authority) -> ServerIdentity:
    """Write a fresh certificate and key of the collector itself; raises StorageUnavailable."""
    key = new_key()
    certificate = authority.issue_server(key.public_key(), config.names, datetime.now(UTC))
    # Whoever trusts only the root needs what lies between.
    chain = b"".join(
        one.public_bytes(serialization.Encoding.PEM)
        for one in (certificate, *authority.trusted[: len(authority.above)])
    )
    replace_secrets({config.server_key: key_pem(key), config.server_certificate: chain})
    return ServerIdentity(config.server_certificate, config.server_key)


def replace_secrets(contents: Mapping[Path, bytes]) -> None:
    """Write files that only their owner reads, each whole in the place of the one before; raises StorageUnavailable."""
    for path, content in contents.items():
        new = path.with_suffix(".new")
        try:
            new.unlink(missing_ok=True)
            write_secret(new, content)
            new.replace(path)
        except OSError as error:
            raise StorageUnavailable(f"Impossible d'écrire {path} : {why(error)}.") from error


def write_secret(path: Path, content: bytes) -> None:
    """Write a new file that only its owner reads; raises AlreadyThere, StorageUnavailable, and then leaves nothing."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # what the database says rests on it, and is on the disk
    except FileExistsError:
        raise AlreadyThere(f"{path} existe déjà : rien n'a été écrit.") from None
    except OSError as error:
        with contextlib.suppress(OSError):
            path.unlink()
        raise StorageUnavailable(f"Impossible d'écrire {path} : {why(error)}.") from error
