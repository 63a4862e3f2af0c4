"""What each site needs, as last judged; kept beside its summary and rebuilt with it."""

from collections.abc import Iterable, Sequence

from sqlmodel import JSON, Field, SQLModel, col, delete, select

from prerequis_collector.store.database import Transaction


class SiteNeedRow(SQLModel, table=True):
    """One article for one site."""

    __tablename__ = "site_needs"

    finess: str = Field(primary_key=True, foreign_key="sites.finess")
    item: str = Field(primary_key=True)
    certain: int
    possible: int | None
    """None: no upper bound can be given."""
    reasons: list[str] = Field(sa_type=JSON)


class SiteNeeds:
    """The needs within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def replace(self, finess: str, needs: Iterable[SiteNeedRow]) -> None:
        """Keep these needs in place of all that were known of the site."""
        self._transaction.exec(delete(SiteNeedRow).where(col(SiteNeedRow.finess) == finess))
        self._transaction.add_all(needs)
        self._transaction.flush()

    def all(self) -> Sequence[SiteNeedRow]:
        """Return every need, by FINESS then article."""
        query = select(SiteNeedRow).order_by(col(SiteNeedRow.finess), col(SiteNeedRow.item))
        return self._transaction.exec(query).all()

    def of_site(self, finess: str) -> Sequence[SiteNeedRow]:
        """Return the site's needs, by article."""
        query = select(SiteNeedRow).where(SiteNeedRow.finess == finess).order_by(col(SiteNeedRow.item))
        return self._transaction.exec(query).all()
