"""What is kept when a lease ends, and which measurements of a site count."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from prerequis.v1.facts_pb2 import Line
from prerequis.v1.line_review_pb2 import LineMeasurement
from prerequis_collector.errors import InvalidInput
from prerequis_collector.services import line_clock
from prerequis_collector.services.lease import Lease
from prerequis_collector.store.agents import Shown
from prerequis_collector.store.database import Transaction
from prerequis_collector.store.line_claims import LineClaims
from prerequis_collector.store.line_measurements import LineMeasurementRow, LineMeasurements
from prerequis_collector.store.sites import Sites
from prerequis_rules.measures import LineSample, sample_of

WINDOW = timedelta(days=28)
"""What is older says nothing of the line as it is."""

MOST = 400
"""Measurements of one site that are looked at: three a day for the window, and as many again that people asked for."""

LONGEST = timedelta(minutes=10)
"""No measurement lasts longer."""

MOST_RESULT_BYTES = 64 * 1024

Discard = LineMeasurement.Discard


@dataclass(frozen=True, slots=True)
class Weighed:
    """A measurement, and why it does not count, or the sample that it is."""

    row: LineMeasurementRow
    line: Line | None
    discard: "Discard.ValueType"
    """DISCARD_UNSPECIFIED for one that counts."""
    sample: LineSample | None


def end_measurement(transaction: Transaction, lease: Lease, result: Line | None, now: datetime) -> bool:
    """Keep how a lease ended, free the line, and return whether another machine loaded it meanwhile.

    Both are then marked. Raises InvalidInput for a result that no measurement gives.
    """
    content = result.SerializeToString() if result is not None else b""
    if len(content) > MOST_RESULT_BYTES:
        raise InvalidInput("Le résultat de la mesure est trop long.")
    measurements = LineMeasurements(transaction)
    LineClaims(transaction).drop(lease.measurement)
    begun = measurements.find(lease.measurement)
    if begun is None or begun.ended_at is not None:
        return False
    measurements.end(begun.id, now, lease.bytes_moved, content)
    beside = measurements.beside(begun, now, begun.began_at - LONGEST) if lease.bytes_moved else ()
    if beside:
        measurements.contend([begun.id, *(row.id for row in beside)])
    for finess in {begun.finess, *(row.finess for row in beside)} if content or beside else ():
        Sites(transaction).touch(finess)
    return bool(beside)


def weigh(rows: Sequence[LineMeasurementRow], apart: Collection[Shown] = ()) -> list[Weighed]:
    """Return the measurements of one site, each with why it does not count or as what.

    Of those without a fault, the newest version of the method counts, through the gateway that most machines use, and
    by cable where any is: a machine on Wi-Fi then judges its own place alone. The machines apart, those of identities
    in quarantine and those that were replaced, may have measured from anywhere.
    """
    lines = [(row, line := row.line, _fault(row, line, apart)) for row in rows]
    good = [(row, line) for row, line, fault in lines if line is not None and fault is None]
    version = max((line.conditions.method_version for _, line in good), default=0)
    good = [(row, line) for row, line in good if line.conditions.method_version == version]
    gateway = _usual_gateway(row for row, _ in good)
    wired = any(not row.wireless for row, _ in good if _through(row, gateway))
    return [_weighed(row, line, fault, version, gateway, wired=wired) for row, line, fault in lines]


def samples(rows: Sequence[LineMeasurementRow], now: datetime) -> list[LineSample]:
    """Return those of a site's measurements that its verdicts rest on, the oldest first.

    The caller leaves out those of the machines apart.
    """
    recent = [row for row in rows if row.began_at > now - WINDOW]
    return [weighed.sample for weighed in weigh(recent) if weighed.sample is not None]


def _weighed(
    row: LineMeasurementRow,
    line: Line | None,
    fault: "Discard.ValueType | None",
    version: int,
    gateway: bytes,
    *,
    wired: bool,
) -> Weighed:
    discard = fault
    if discard is None and line is not None:
        if line.conditions.method_version != version:
            discard = Discard.OTHER_METHOD
        elif not _through(row, gateway):
            discard = Discard.ELSEWHERE
        elif wired and row.wireless:
            discard = Discard.OVER_WIRELESS
    if discard is not None or line is None:
        return Weighed(row, line, discard or Discard.UNFINISHED, None)
    here = line_clock.local(row.finess, row.began_at)
    sample = sample_of(line, day=here.date(), hour=here.hour, busy=line_clock.is_busy(here), wireless=row.wireless)
    return Weighed(row, line, Discard.DISCARD_UNSPECIFIED, sample)


def _fault(row: LineMeasurementRow, line: Line | None, apart: Collection[Shown]) -> "Discard.ValueType | None":
    if row.measured_by in apart:
        return Discard.COPIED
    if row.contention:
        return Discard.CONTENDED
    if line is None:
        return Discard.UNFINISHED
    weak = line.confidence == Line.LOW or not line.HasField("loopback") or line.loopback
    return Discard.WEAK if weak else None


def _usual_gateway(rows: Iterable[LineMeasurementRow]) -> bytes:
    """Return the gateway of most machines, then of most measurements; empty when none is known."""
    pairs = [(row.gateway, row.measured_by) for row in rows if row.gateway]
    machines, measurements = Counter(gateway for gateway, _ in set(pairs)), Counter(gateway for gateway, _ in pairs)
    return max(machines, key=lambda one: (machines[one], measurements[one], one), default=b"")


def _through(row: LineMeasurementRow, gateway: bytes) -> bool:
    return not (row.gateway and gateway) or row.gateway == gateway
