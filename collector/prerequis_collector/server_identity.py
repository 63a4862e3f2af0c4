"""The certificate that a serving collector shows: looked up at each handshake, so that a new one needs no restart."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from prerequis_collector.beside import beside
from prerequis_collector.errors import CollectorError, InvalidInput

_LOOK_SECONDS = 3600.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shown:
    """A key and the certificates that go with it, PEM, the collector's own first."""

    key: bytes
    chain: bytes
    begins: datetime
    ends: datetime

    def is_due(self, now: datetime) -> bool:
        """Return whether two thirds of the certificate's life are over."""
        return now - self.begins >= (self.ends - self.begins) * 2 / 3


class ServerIdentity:
    """Two PEM files that somebody may replace at any moment, one after the other."""

    def __init__(self, certificate: Path, key: Path) -> None:
        """Read them; raises InvalidInput when they are no pair."""
        self.certificate, self.key = certificate, key
        self._stamps = self._look()
        self._shown = self._read()

    def current(self) -> Shown:
        """Return what the files hold: the same object while they are the same, and while they are no pair."""
        try:
            stamps = self._look()
            if stamps != self._stamps:
                self._shown = self._read()
                self._stamps = stamps
                _log.info("the collector's certificate is now the one that ends on %s", self._shown.ends.date())
        except (OSError, InvalidInput) as error:
            _log.warning("the collector's certificate stays as it was: %s", error)
        return self._shown

    def _look(self) -> tuple[object, ...]:
        found = self.certificate.stat(), self.key.stat()
        return tuple((one.st_ino, one.st_mtime_ns, one.st_size) for one in found)

    def _read(self) -> Shown:
        key, chain = self.key.read_bytes(), self.certificate.read_bytes()
        try:
            leaf = x509.load_pem_x509_certificate(chain)
            if serialization.load_pem_private_key(key, None).public_key() != leaf.public_key():
                raise ValueError("not a pair")
        except (ValueError, TypeError) as error:
            raise InvalidInput(f"{self.certificate} et {self.key} ne vont pas ensemble.") from error
        return Shown(key, chain, leaf.not_valid_before_utc, leaf.not_valid_after_utc)


def refreshed(identity: ServerIdentity, make: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    """Return a context as `make` makes them of the identity's files; each handshake shows what they hold then."""
    first = context = make()
    shown = identity.current()

    def choose(connection: ssl.SSLSocket | ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        nonlocal context, shown
        now = identity.current()
        if now is not shown:
            try:
                context, shown = make(), now
            except (OSError, ssl.SSLError) as error:  # replaced once more, this very moment
                _log.warning("the collector's certificate stays as it was: %s", error)
        connection.context = context

    first.sni_callback = choose
    return first


@asynccontextmanager
async def kept_valid(
    identity: ServerIdentity, renew: Callable[[], object], look_seconds: float = _LOOK_SECONDS
) -> AsyncIterator[None]:
    """Renew the certificate in the background when two thirds of its life are over, for as long as the block lasts."""

    async def look() -> None:
        while True:
            if identity.current().is_due(datetime.now(UTC)):
                try:
                    await asyncio.to_thread(renew)
                except CollectorError as error:  # a full disk; there are months to come
                    _log.error("the collector's certificate could not be renewed: %s", error)
            await asyncio.sleep(look_seconds)

    async with beside(look(), "renewing the collector's certificate"):
        yield
