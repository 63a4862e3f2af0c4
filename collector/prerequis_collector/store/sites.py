"""The register of sites."""

from collections.abc import Collection, Sequence
from datetime import date

from sqlalchemy import bindparam
from sqlmodel import Field, SQLModel, col, select, update

from prerequis_collector.store.batches import touch_sites
from prerequis_collector.store.database import Transaction


class SiteRow(SQLModel, table=True):
    """One establishment; an unset number is not known."""

    __tablename__ = "sites"

    finess: str = Field(primary_key=True, max_length=9)
    name: str
    professionals: int | None = None
    simultaneous_users: int | None = None
    secretariats: int | None = None
    workstations: int | None = None
    deadline: date | None = None
    profile: str = ""
    organisation: str = ""
    """FINESS of the entité juridique that runs it; empty when nobody said."""
    lot: str = ""
    """<calendar>/<lot> of its programme; empty when it is in none."""
    active_records: int | None = None
    """People accompanied now: the programme's « file active »."""
    parameters: str = ""
    """JSON, by name: the value that the site settled, who did, when, why; empty when it settled none."""
    revision: int = 1
    """Grows with everything that may change the judgement of the site."""


# Composed once: that costs SQLAlchemy more than the database needs to answer, and whole parks are judged by it.
# Other statements of the same transaction may have raised the revision of a row that it has read before.
_OF_NUMBER = select(SiteRow).where(SiteRow.finess == bindparam("site")).execution_options(populate_existing=True)
_OF_NUMBERS = select(SiteRow).where(col(SiteRow.finess).in_(bindparam("sites", expanding=True)))


class Sites:
    """The sites within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def find(self, finess: str) -> SiteRow | None:
        """Return the site, or None when the register has no such number."""
        return self._transaction.exec(_OF_NUMBER, params={"site": finess}).first()

    def some(self, finesses: Sequence[str]) -> dict[str, SiteRow]:
        """Return those of these sites that the register has, by FINESS."""
        return {site.finess: site for site in self._transaction.exec(_OF_NUMBERS, params={"sites": finesses})}

    def all(self, organisation: str = "") -> Sequence[SiteRow]:
        """Return every site, or every one that this organisation runs, in FINESS order."""
        query = select(SiteRow).order_by(col(SiteRow.finess))
        return self._transaction.exec(
            query.where(SiteRow.organisation == organisation) if organisation else query
        ).all()

    def save(self, site: SiteRow) -> None:
        """Add the site, or replace what was known of it."""
        self._transaction.merge(site)
        self._transaction.flush()

    def touch(self, finess: str) -> None:
        """Note that something changed that the site's judgement depends on."""
        changed = update(SiteRow).where(col(SiteRow.finess) == finess).values(revision=SiteRow.revision + 1)
        self._transaction.exec(changed)

    def touch_all(self, finesses: Collection[str]) -> None:
        """Do the same for several sites, whose rows are locked in the order of numbers: nobody blocks for good."""
        touch_sites(self._transaction, finesses)
