"""What was last found of the services that each site needs, and since when each failure stands."""

import zlib
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam
from sqlmodel import Field, SQLModel, col, select

from prerequis_collector.store.columns import Instant
from prerequis_collector.store.database import Transaction


class SiteServicesRow(SQLModel, table=True):
    """One site's services, as the machine that asked them last found them."""

    __tablename__ = "site_services"

    finess: str = Field(primary_key=True, foreign_key="sites.finess")
    observed_at: datetime = Field(sa_type=Instant)
    compressed: bytes
    """A serialised SiteServices, zlib."""

    @classmethod
    def of(cls, finess: str, observed_at: datetime, body: bytes) -> "SiteServicesRow":
        """Return the row that keeps a serialised SiteServices."""
        return cls(finess=finess, observed_at=observed_at, compressed=zlib.compress(body))

    @property
    def body(self) -> bytes:
        """Return the serialised SiteServices."""
        return zlib.decompress(self.compressed)


# Composed once: that costs SQLAlchemy more than the database needs to answer, and whole parks are judged by it.
_OF_SITES = select(SiteServicesRow).where(col(SiteServicesRow.finess).in_(bindparam("sites", expanding=True)))


class KnownServices:
    """The services of the sites within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def find(self, finess: str) -> SiteServicesRow | None:
        """Return what was last found at the site, or None when no machine of it ever asked."""
        return next(iter(self.some([finess])), None)

    def some(self, finesses: Sequence[str]) -> Sequence[SiteServicesRow]:
        """Return what was last found at those of these sites where a machine asked."""
        return self._transaction.exec(_OF_SITES, params={"sites": finesses}).all()

    def save(self, row: SiteServicesRow) -> None:
        """Keep what was found in place of what was before."""
        self._transaction.merge(row)
        self._transaction.flush()
