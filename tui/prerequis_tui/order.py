"""The order in which things are read: what hinders most, and what is to be done, comes first."""

from collections.abc import Iterable

from prerequis.v1 import ordering_pb2, review_pb2
from prerequis_tui import wording

_RANK = {value: rank for rank, value in enumerate(wording.READINESS)}


def worst_first(site: review_pb2.SiteSummary) -> tuple[int, int, float, str]:
    """Return the key that puts the least ready first, then the most blocked, then the lowest score."""
    low = site.score.low if site.score.HasField("low") else -1.0
    return (_RANK.get(site.readiness, len(_RANK)), -site.blocking, low, site.finess)


def to_buy_first(lines: Iterable[ordering_pb2.NeedLine]) -> list[ordering_pb2.NeedLine]:
    """Return the needs, those of which something is to be ordered before the others."""
    return sorted(lines, key=lambda line: not line.to_order)
