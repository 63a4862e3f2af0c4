"""Bytes as they arrived, and the figures that are drawn from them.

What arrives at once was under way since the arrival before: a record of TLS on a slow line, or all that waited for a
lost segment. So the bytes between two arrivals of one stream are spread evenly over the time between them, and the line
shows no steps that it does not have.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

BIN_SECONDS = 0.25
SETTLING_SECONDS = 0.5
"""Left out of every mean: slow start."""

LAST_SHARE = 0.6
"""The part of a run, at its end, that the figure is drawn from."""

END_SHARE = 0.2
"""The part of a run among whose moments either end of a mean is chosen."""

_MOMENTS = 12

STALLED_SECONDS = 0.5
"""A stream that is silent for longer holds nobody's figure up."""

AT_ONCE_SECONDS = 0.002
"""What comes so soon after another arrival came with it."""

_SHORT_RUN_SECONDS = 2.0
_SHORT_BIN_SECONDS = 0.1
_Z = 1.959964


@dataclass(slots=True)
class Stream:
    """The arrivals of one connection, in seconds of the receiver's clock; one thread writes, others read."""

    points: list[tuple[float, int]] = field(default_factory=list)
    """When, and how many bytes had come by then; a first arrival that starts the clock is not counted."""
    moved: int = 0
    """All bytes, the first arrival's too."""
    over: bool = False
    """The test has ended: what still comes moved, but belongs to no rate."""

    def arrived(self, at: float, count: int) -> None:
        """Note that so many bytes came now."""
        self.told(at, self.moved + count)

    def told(self, at: float, moved: int) -> None:
        """Note how many bytes had come by a time of the receiver's clock."""
        first = self.moved - self.points[-1][1] if self.points else moved
        self.moved = moved
        if self.over:
            return
        if len(self.points) > 1 and at - self.points[-1][0] < AT_ONCE_SECONDS:
            self.points[-1] = self.points[-1][0], moved - first
        else:
            self.points.append((at, moved - first))

    def by(self, at: float) -> float:
        """Return how many counted bytes had come by a time."""
        points = self.points
        after = bisect_right(points, at, key=lambda point: point[0])
        if after == 0:
            return 0.0
        before_at, before = points[after - 1]
        if after == len(points):
            return float(before)
        next_at, then = points[after]
        return before + (then - before) * (at - before_at) / (next_at - before_at)


@dataclass(slots=True)
class Series:
    """The streams of one direction."""

    streams: list[Stream] = field(default_factory=list)

    def opened(self) -> Stream:
        """Return a new stream of the series; the first bytes of one that joins later came since then, and count."""
        since = self.end
        stream = Stream([] if since is None else [(since, 0)])
        self.streams.append(stream)
        return stream

    @property
    def moved(self) -> int:
        """All bytes that came."""
        return sum(stream.moved for stream in self.streams)

    @property
    def start(self) -> float | None:
        """When the first byte came; None before that."""
        return min((stream.points[0][0] for stream in self.streams if stream.points), default=None)

    @property
    def end(self) -> float | None:
        """Until when every stream that is not stalled has told what came; None before the first byte."""
        lasts = [stream.points[-1][0] for stream in self.streams if stream.points]
        if not lasts:
            return None
        latest = max(lasts)
        return min(last for last in lasts if last > latest - STALLED_SECONDS)

    @property
    def seconds(self) -> float:
        """How long the figures cover."""
        start, end = self.start, self.end
        return 0.0 if start is None or end is None else end - start

    def bytes_between(self, since: float, until: float) -> float:
        """Return how many bytes came between two times, counted from the first arrival."""
        start = self.start
        if start is None:
            return 0.0
        return sum(stream.by(start + until) - stream.by(start + since) for stream in self.streams)

    def rate(self, since: float, until: float) -> float:
        """Return the mean between two times, in bits per second; 0 for no time."""
        return 8 * self.bytes_between(since, until) / (until - since) if until > since else 0.0

    def level(self, since: float) -> float | None:
        """Return the mean from a time on, in bits per second, between two moments when least was held up.

        Behind a lost segment, what has arrived is kept from the application until the segment has been sent again. That
        only ever lowers a count: of the first and of the last moments, those where it is highest over the mean miss
        least. On a line of 8 Mbit/s the plain mean read 2.1 to 3.3 % low where this one stayed within 1 %. None when
        nothing came since.
        """
        until = self.seconds
        if until <= since:
            return None
        share, mean = min(END_SHARE * until, (until - since) / 3), self.rate(since, until) / 8

        def least_held(earliest: float) -> float:
            moments = [earliest + share * index / _MOMENTS for index in range(_MOMENTS + 1)]
            return max(moments, key=lambda at: self.bytes_between(0, at) - mean * at)

        return self.rate(least_held(since), least_held(until - share))

    def rates(self, since: float, until: float, width: float = BIN_SECONDS) -> list[float]:
        """Return the rates of the full bins between two times, in bits per second; the bins end at `until`."""
        number = int((until - since) / width + 1e-9)
        edges = [until - width * (number - index) for index in range(number + 1)]
        return [self.rate(*edges[index : index + 2]) for index in range(number)]

    def bins(self) -> list[int]:
        """Return the bytes of each quarter of a second since the first arrival."""
        number = int(self.seconds / BIN_SECONDS)
        return [round(self.bytes_between(index * BIN_SECONDS, (index + 1) * BIN_SECONDS)) for index in range(number)]

    def sustained(self) -> float | None:
        """Return the interquartile mean of the last part of the run, in bits per second; None when it was too short.

        For paced streams, which seldom hold each other up; a mean of the whole is 3 to 5 % low, and a high percentile
        up to 66 % high.
        """
        until = self.seconds
        since = max(until * (1 - LAST_SHARE), min(SETTLING_SECONDS, until / 2))
        rates = self.rates(since, until, BIN_SECONDS if until >= _SHORT_RUN_SECONDS else _SHORT_BIN_SECONDS)
        return interquartile_mean(rates) if len(rates) > 1 else None


def interquartile_mean(values: Sequence[float]) -> float:
    """Return the mean of the middle half, the quarters at both ends left out."""
    ordered = sorted(values)
    quarter = len(ordered) // 4
    middle = ordered[quarter : len(ordered) - quarter]
    return sum(middle) / len(middle)


def variation(values: Sequence[float]) -> float:
    """Return the standard deviation over the mean; infinite where the mean is nothing, or there is none."""
    mean = sum(values) / len(values) if values else 0.0
    if mean <= 0:
        return math.inf
    return math.sqrt(sum((value - mean) ** 2 for value in values) / len(values)) / mean


def wilson(lost: int, sent: int) -> tuple[float, float]:
    """Return the 95 % interval of a share by E. B. Wilson (1927); everything is possible when nothing was sent."""
    if sent == 0:
        return 0.0, 1.0
    share = lost / sent
    centre = share + _Z**2 / (2 * sent)
    spread = _Z * math.sqrt(share * (1 - share) / sent + _Z**2 / (4 * sent**2))
    whole = 1 + _Z**2 / sent
    return max(0.0, (centre - spread) / whole), min(1.0, (centre + spread) / whole)
