"""Every use of a lease: when, by whom, how many bytes, and what was found."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import BigInteger, bindparam
from sqlmodel import Field, Index, SQLModel, col, func, or_, select, update

from prerequis.v1.facts_pb2 import Line
from prerequis.v1.line_pb2 import LINE_METHOD_UNSPECIFIED, LineMethod
from prerequis_collector.store.agents import Shown
from prerequis_collector.store.columns import Instant
from prerequis_collector.store.database import Transaction


class LineMeasurementRow(SQLModel, table=True):
    """One lease from its beginning; without a result when its machine gave none."""

    __tablename__ = "line_measurements"
    __table_args__ = (
        Index("ix_line_measurements_site", "finess", "began_at"),
        Index("ix_line_measurements_egress", "egress", "began_at"),
    )

    id: str = Field(primary_key=True)
    finess: str = Field(foreign_key="sites.finess")
    agent_id: str = Field(foreign_key="agents.id")
    """Whose certificate its machine showed."""
    machine: str = ""
    """What tells its machine from others with that identity, in hexadecimal; "" when it did not say."""
    egress: bytes
    """Digest of the public address: enough to tell two lines apart."""
    gateway: bytes = b""
    """Digest of the gateway, as the machine gave it; empty when it cannot tell."""
    method: int
    """A LineMethod."""
    attended: bool
    wireless: bool
    began_at: datetime = Field(sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    """Unset while it lasts."""
    bytes_moved: int = Field(default=0, sa_type=BigInteger)
    """In both directions, as this side counted."""
    contention: bool = False
    """Another machine measured the same line at the same time."""
    result: bytes = b""
    """The Line, serialised; empty when there is none."""

    @property
    def measured_by(self) -> Shown:
        """Return the identity and the machine that measured."""
        return self.agent_id, self.machine

    @property
    def line_method(self) -> LineMethod.ValueType:
        """Return the method; unspecified for a number of a newer version."""
        return next((known for known in LineMethod.values() if known == self.method), LINE_METHOD_UNSPECIFIED)

    @property
    def line(self) -> Line | None:
        """Return what was found, or None."""
        return Line.FromString(self.result) if self.result else None


# Composed once: that costs SQLAlchemy more than the database needs to answer, and whole parks are judged by it.
_NEWEST_OF_SITE = (
    select(LineMeasurementRow)
    .where(LineMeasurementRow.finess == bindparam("site"))
    .order_by(col(LineMeasurementRow.began_at).desc())
    .limit(bindparam("most"))
)

_MEASURED = (
    select(LineMeasurementRow.finess)
    .where(col(LineMeasurementRow.finess).in_(bindparam("sites", expanding=True)))
    .distinct()
)


class LineMeasurements:
    """The measurements within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def find(self, identifier: str) -> LineMeasurementRow | None:
        """Return the measurement, or None."""
        return self._transaction.get(LineMeasurementRow, identifier)

    def begin(self, measurement: LineMeasurementRow) -> None:
        """Keep a measurement that begins."""
        self._transaction.add(measurement)
        self._transaction.flush()

    def end(self, identifier: str, ended_at: datetime, bytes_moved: int, result: bytes) -> None:
        """Note how a measurement ended; one that has ended is left as it is."""
        mine = (col(LineMeasurementRow.id) == identifier, col(LineMeasurementRow.ended_at).is_(None))
        ended = update(LineMeasurementRow).where(*mine)
        self._transaction.exec(ended.values(ended_at=ended_at, bytes_moved=bytes_moved, result=result))

    def of_site(self, finess: str, began_after: datetime) -> Sequence[LineMeasurementRow]:
        """Return the site's measurements since, the oldest first."""
        query = select(LineMeasurementRow).where(
            LineMeasurementRow.finess == finess, col(LineMeasurementRow.began_at) > began_after
        )
        return self._transaction.exec(query.order_by(col(LineMeasurementRow.began_at))).all()

    def newest_of_site(self, finess: str, most: int) -> Sequence[LineMeasurementRow]:
        """Return the site's newest measurements, so many at most, the oldest first."""
        return self._transaction.exec(_NEWEST_OF_SITE, params={"site": finess, "most": most}).all()[::-1]

    def measured(self, finesses: Sequence[str]) -> frozenset[str]:
        """Return those of these sites whose line was ever measured."""
        return frozenset(self._transaction.exec(_MEASURED, params={"sites": finesses}))

    def all(self, began_after: datetime) -> Iterator[LineMeasurementRow]:
        """Give every measurement since, site by site, the oldest first; few are held at a time."""
        query = select(LineMeasurementRow).where(col(LineMeasurementRow.began_at) > began_after)
        ordered = query.order_by(col(LineMeasurementRow.finess), col(LineMeasurementRow.began_at))
        yield from self._transaction.exec(ordered.execution_options(yield_per=1000))

    def lasted(self, finess: str, most: int) -> list[float]:
        """Return how long the site's newest measurements lasted, in seconds, so many at most of those that ended."""
        began, ended = col(LineMeasurementRow.began_at), col(LineMeasurementRow.ended_at)
        query = select(began, ended).where(LineMeasurementRow.finess == finess, ended.is_not(None))
        newest = self._transaction.exec(query.order_by(began.desc()).limit(most))
        return [(until - since).total_seconds() for since, until in newest if until is not None]

    def bytes_since(self, finess: str, moment: datetime) -> int:
        """Return how many bytes measuring has moved at the site since."""
        total = select(func.sum(LineMeasurementRow.bytes_moved)).where(
            LineMeasurementRow.finess == finess, col(LineMeasurementRow.began_at) >= moment
        )
        return int(self._transaction.exec(total).one() or 0)

    def beside(self, one: LineMeasurementRow, until: datetime, began_after: datetime) -> Sequence[LineMeasurementRow]:
        """Return the other measurements of the same site or egress that moved bytes while `one` lasted, until then.

        Only those that have ended: of two that overlap, the last to end finds the other. `began_after` is before the
        beginning of any that could still have lasted. Those of another known gateway loaded another line.
        """
        other = LineMeasurementRow
        query = select(other).where(
            col(other.id) != one.id,
            or_(col(other.finess) == one.finess, col(other.egress) == one.egress),
            col(other.began_at) > began_after,
            col(other.began_at) < until,
            col(other.ended_at) > one.began_at,
            col(other.bytes_moved) > 0,
        )
        found = self._transaction.exec(query.order_by(col(other.id))).all()
        return [row for row in found if not (row.gateway and one.gateway and row.gateway != one.gateway)]

    def contend(self, identifiers: Sequence[str]) -> None:
        """Note that these measured the same line at the same time."""
        these = col(LineMeasurementRow.id).in_(identifiers)
        self._transaction.exec(update(LineMeasurementRow).where(these).values(contention=True))
