"""A score as a bar: what is certain, what is not known, what is lost; each part has its own character."""

from prerequis.v1 import judgement_pb2
from prerequis_tui.wording import Tone

CERTAIN, NOT_KNOWN, LOST = "█", "▒", "·"


def parts(score: judgement_pb2.Score, width: int) -> tuple[tuple[str, Tone], ...]:
    """Return the three parts of a bar of `width` characters, all not known when there is no score.

    A part that is not nil shows at least one character: one failure among thousands stays visible.
    """
    if not (score.HasField("low") and score.HasField("high")):
        return ((NOT_KNOWN * width, Tone.UNKNOWN),)
    shares = (score.low, score.high - score.low, 100 - score.high)
    cells = [0 if share <= 0 else max(1, round(share * width / 100)) for share in shares]
    # What rounding gave too much or too little is the largest part's.
    cells[cells.index(max(cells))] += width - sum(cells)
    certain, unknown, lost = cells
    return ((CERTAIN * certain, Tone.GOOD), (NOT_KNOWN * unknown, Tone.UNKNOWN), (LOST * lost, Tone.MUTED))
