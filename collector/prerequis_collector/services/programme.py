"""A site in its programme: the lot it belongs to, the day by which it must be ready, the usages it must reach."""

from datetime import UTC, date, datetime, time

from google.protobuf.timestamp_pb2 import Timestamp

from prerequis.v1.review_pb2 import LotGoal, LotGoals
from prerequis_collector.services.register import deadline_of
from prerequis_collector.store.sites import SiteRow
from prerequis_rules.pack import Pack


def due(pack: Pack, site: SiteRow) -> Timestamp | None:
    """Return the day by which the site must be ready: its own, else that on which its lot opens, at midnight UTC."""
    own = deadline_of(site)
    lot = pack.lot(site.lot)
    return own if own is not None or lot is None else _midnight(lot.opens)


def goals(pack: Pack, site: SiteRow) -> LotGoals | None:
    """Return what the site's lot asks; None of a site in no lot that a calendar has."""
    lot = pack.lot(site.lot)
    if lot is None:
        return None
    calendar = pack.calendars[site.lot.partition("/")[0]]
    told = LotGoals(
        title=f"{calendar.title}, {lot.title}",
        opens=_midnight(lot.opens),
        closes=_midnight(lot.closes),
        source=pack.document(calendar.source),
    )
    for target in lot.targets:
        goal = LotGoal(title=target.title, percent=target.percent)
        if site.active_records is not None:
            goal.records = target.needed(site.active_records)
        told.goals.append(goal)
    return told


def _midnight(day: date) -> Timestamp:
    moment = Timestamp()
    moment.FromDatetime(datetime.combine(day, time(), UTC))
    return moment
