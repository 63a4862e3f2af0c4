"""What lists of sites show, kept so that a list need not judge every site; it can always be rebuilt."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from sqlmodel import Field, SQLModel, col, or_, select

from prerequis_collector.store.columns import Instant
from prerequis_collector.store.database import Transaction
from prerequis_collector.store.sites import SiteRow


class SiteSummaryRow(SQLModel, table=True):
    """The judgement of one site in one line, for the framework `dui`."""

    __tablename__ = "site_summaries"

    finess: str = Field(primary_key=True, foreign_key="sites.finess")
    readiness: str
    low: float | None
    high: float | None
    coverage: float | None
    blocking: int
    workstations: int
    last_seen: datetime | None = Field(sa_type=Instant)
    revision: int
    """The site's revision that was judged."""
    pack_digest: str
    judged_on: date


class SiteSummaries:
    """The summaries within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def save(self, summary: SiteSummaryRow) -> None:
        """Keep the summary in place of the one before."""
        self._transaction.merge(summary)
        self._transaction.flush()

    def all(self) -> Mapping[str, SiteSummaryRow]:
        """Return every summary by FINESS."""
        return {row.finess: row for row in self._transaction.exec(select(SiteSummaryRow))}

    def stale(self, pack_digest: str, today: date) -> Sequence[str]:
        """Return the FINESS of the sites never judged, or judged on older facts, by another pack or before today."""
        query = (
            select(SiteRow.finess)
            .outerjoin(SiteSummaryRow, col(SiteSummaryRow.finess) == SiteRow.finess)
            .where(
                or_(
                    col(SiteSummaryRow.finess).is_(None),
                    col(SiteSummaryRow.revision) != SiteRow.revision,
                    col(SiteSummaryRow.pack_digest) != pack_digest,
                    col(SiteSummaryRow.judged_on) < today,
                )
            )
            .order_by(col(SiteRow.finess))
        )
        return self._transaction.exec(query).all()
