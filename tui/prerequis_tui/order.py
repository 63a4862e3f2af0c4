"""The order in which sites are read: what hinders most comes first."""

from prerequis.v1 import review_pb2
from prerequis_tui import wording

_RANK = {value: rank for rank, value in enumerate(wording.READINESS)}


def worst_first(site: review_pb2.SiteSummary) -> tuple[int, int, float, str]:
    """Return the key that puts the least ready first, then the most blocked, then the lowest score."""
    low = site.score.low if site.score.HasField("low") else -1.0
    return (_RANK.get(site.readiness, len(_RANK)), -site.blocking, low, site.finess)
