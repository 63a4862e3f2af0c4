"""What is shown of the sites' lines: what each carries, what it must, hour by hour, and every measurement."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from statistics import median

from prerequis.v1.line_review_pb2 import GetLineResponse, LineHour, LineMeasurement, LineSummary
from prerequis.v1.register_pb2 import Profile
from prerequis.v1.report_pb2 import Report
from prerequis_collector.services import line_clock
from prerequis_collector.services.line_results import MOST, WINDOW, Discard, Weighed, weigh
from prerequis_collector.services.origins import apart
from prerequis_collector.services.plan import demand_bits_per_second, profile_of
from prerequis_collector.services.register import require_site
from prerequis_collector.store.agents import Agents, Shown
from prerequis_collector.store.database import Transaction
from prerequis_collector.store.line_measurements import LineMeasurementRow, LineMeasurements
from prerequis_collector.store.reports import Reports
from prerequis_collector.store.sites import SiteRow, Sites
from prerequis_rules.measures import LineSample, line_measures
from prerequis_rules.pack import Pack

LONGEST_DAYS = 730
"""Measurements are kept for two years."""


def review_line(transaction: Transaction, pack: Pack, finess: str, days: int, now: datetime) -> GetLineResponse:
    """Return one site's line, with its measurements of so many days, 0 for those judged; raises NotFound."""
    site = require_site(transaction, finess)
    rows, odd = LineMeasurements(transaction).newest_of_site(finess, MOST), Agents(transaction).odd(finess)
    copied = apart(odd)
    judged = weigh([row for row in rows if row.began_at > now - WINDOW], copied)
    shown = judged
    if days:
        asked = now - timedelta(days=min(days, LONGEST_DAYS))
        shown = weigh(LineMeasurements(transaction).of_site(finess, asked), copied)
    names = _names(transaction, finess) if shown else {}
    copies = {row.shown: row.id for row in odd if row.copy_of}
    return GetLineResponse(
        summary=_summary(pack, site, judged),
        hours=_hours([one.sample for one in judged if one.sample is not None]),
        measurements=[_measurement(one, names, copies) for one in reversed(shown)],
    )


def review_lines(transaction: Transaction, pack: Pack, now: datetime, organisation: str = "") -> list[LineSummary]:
    """Return what the line of every site carries, of one organisation or of all, in FINESS order.

    A site that was not measured says so.
    """
    measured, copied = _by_site(LineMeasurements(transaction).all(now - WINDOW)), apart(Agents(transaction).odd())
    found = {finess: weigh(rows, copied) for finess, rows in measured}
    return [_summary(pack, site, found.get(site.finess, [])) for site in Sites(transaction).all(organisation)]


def _by_site(rows: Iterable[LineMeasurementRow]) -> Iterator[tuple[str, list[LineMeasurementRow]]]:
    for finess, group in groupby(rows, key=lambda row: row.finess):
        yield finess, list(group)


def _summary(pack: Pack, site: SiteRow, weighed: Sequence[Weighed]) -> LineSummary:
    profile = profile_of(pack, site)
    summary = LineSummary(
        finess=site.finess,
        name=site.name,
        measures=line_measures([one.sample for one in weighed if one.sample is not None]),
        contentions=sum(one.discard == Discard.CONTENDED for one in weighed),
        discarded=sum(one.sample is None and one.discard != Discard.CONTENDED for one in weighed),
    )
    need, both = demand_bits_per_second(profile, site), profile.direction == Profile.BOTH
    if need:
        summary.down_need_bits_per_second = need
        if both:
            summary.up_need_bits_per_second = need
    if profile.HasField("bits_per_second_per_user"):
        summary.user_bits_per_second = profile.bits_per_second_per_user
        _note_users(summary, both=both)
    if weighed:
        summary.last_measured.FromDatetime(max(one.row.began_at for one in weighed))
    return summary


def _note_users(summary: LineSummary, *, both: bool) -> None:
    """Set how many users the line can carry at once, and the rate that a new line must have if that is too few."""
    measures, user = summary.measures, summary.user_bits_per_second
    found = []
    if measures.HasField("down_bits_per_second"):
        found.append((measures.down_bits_per_second, measures.down_censored))
    if both and measures.HasField("up_bits_per_second"):
        found.append((measures.up_bits_per_second, measures.up_censored))
    if len(found) < 1 + both or user <= 0:
        return
    rate, censored = min(found)
    summary.users, summary.users_at_least = int(rate // user), censored
    slow = any(rate < summary.down_need_bits_per_second and not lower for rate, lower in found)
    if slow and not measures.line_provisional:
        summary.upgrade_bits_per_second = summary.down_need_bits_per_second


def _hours(samples: Sequence[LineSample]) -> Iterator[LineHour]:
    timed = sorted((sample for sample in samples if sample.hour is not None), key=lambda one: one.hour or 0)
    for hour, group in groupby(timed, key=lambda sample: sample.hour or 0):
        here = list(group)
        line = LineHour(hour=hour, busy=any(one.busy for one in here), results=len(here))
        down = [one.down.bits_per_second for one in here if one.down is not None]
        up = [one.up.bits_per_second for one in here if one.up is not None]
        times = [one.rtt_seconds for one in here if one.rtt_seconds is not None]
        if down:
            line.down_bits_per_second = median(down)
        if up:
            line.up_bits_per_second = median(up)
        if times:
            line.rtt_seconds = median(times)
        yield line


def _measurement(weighed: Weighed, names: Mapping[str, str], copies: Mapping[Shown, str]) -> LineMeasurement:
    row = weighed.row
    machine = copies.get(row.measured_by, row.agent_id)
    here = line_clock.local(row.finess, row.began_at)
    message = LineMeasurement(
        workstation_id=machine,
        workstation_name=names.get(machine, machine),
        method=row.line_method,
        attended=row.attended,
        busy_hour=line_clock.is_busy(here),
        bytes=row.bytes_moved,
        result=weighed.line,
        local_time=here.isoformat(timespec="seconds"),
    )
    message.began_at.FromDatetime(row.began_at)
    if row.ended_at is not None:
        message.ended_at.FromDatetime(row.ended_at)
    if weighed.sample is None:
        message.discard = weighed.discard
    return message


def _names(transaction: Transaction, finess: str) -> dict[str, str]:
    """Return the host names of the site's machines by id, as they last said."""
    newest = Reports(transaction).newest_of_site(finess)
    return {row.agent_id: Report.FromString(row.body).workstation.hostname or row.agent_id for row in newest}
