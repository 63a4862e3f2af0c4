"""When a test has shown what it can: each rule looks at what arrived and says why to stop, or None to go on."""

from dataclasses import dataclass
from typing import Protocol

from prerequis.v1.line_pb2 import BYTE_CAP, PROVEN, REFUTED, STABLE, TIME_CAP, LineStop
from prerequis_agent.line.series import SETTLING_SECONDS, Series, interquartile_mean, variation

MOST_SECONDS = 8.0
"""The longest that one direction loads the line."""

STEADY_VARIATION = 0.05
"""Standard deviation over mean of the last rates, under which the rate no longer changes."""

PROOF_SECONDS = 2.0
"""How long the rate asked for must be held."""

JOINING_SECONDS = 0.25
"""What streams that have just joined take to find their share."""

BUCKET_RATIO = 1.3
"""A first second so much faster than the rest spent a credit that the line does not renew as fast."""

_STEP_SECONDS = 0.5
_STEPS = 4
# Streams that push each other aside make the rate of some moments jump; that of the whole shows whether it is the same.
_SAME_SHARE, _LIKE_SHARE = 0.05, 0.1
_LEAST_SECONDS = 2.0
# On a slow line the streams push each other aside for longer, and more time costs few bytes.
_LEAST_BYTES, _SLOW_SECONDS = 1_000_000, 4.0
_WHOLE_SHARE = 0.95
"""The least of the rate asked for that the mean of the whole, slow start included, must show."""

_REFUTED_SHARE = 0.98
"""A rate so little under what is asked for may still be noise."""

_DOUBT_SECONDS = 4.0


class Rule(Protocol):
    """Says when to stop."""

    def __call__(self, series: Series) -> LineStop.ValueType | None:
        """Return why to stop now, or None."""


@dataclass(frozen=True, slots=True)
class WhenStable:
    """Stop when the rate no longer changes, at the cap of bytes or of time."""

    most_bytes: int
    """Of this rule's own series."""
    joined: float = 0.0
    """When the last streams joined, in seconds of the series: the rate must have had time to change since."""
    before: float | None = None
    """The rate before they joined: a rate that is the same with them needs no more proof."""
    settled: float = SETTLING_SECONDS
    """From when on a mean says something of the line: slow start, and what it left, are over."""
    most_seconds: float = MOST_SECONDS

    def __call__(self, series: Series) -> LineStop.ValueType | None:
        """Return STABLE, BYTE_CAP or TIME_CAP, or None."""
        seconds = series.seconds
        enough = series.moved >= _LEAST_BYTES or seconds >= _SLOW_SECONDS
        if enough and seconds >= max(_LEAST_SECONDS, self.joined + JOINING_SECONDS + _LEAST_SECONDS / 2):
            recent = last_variation(series)
            steady = recent is not None and recent < STEADY_VARIATION
            if not self.spent_credit(series) and (steady or self.agrees(series)):
                return STABLE
        return capped(series, self.most_bytes, self.most_seconds)

    def spent_credit(self, series: Series) -> bool:
        """Return whether the line was much faster at first: what was lost when that ended is held up for seconds."""
        return series.rate(0, 1.0) > BUCKET_RATIO * series.rate(self.joined + JOINING_SECONDS, series.seconds)

    def agrees(self, series: Series) -> bool:
        """Return whether the rate is the one that it was before the last streams joined."""
        whole, since = series.level(self.settled), series.level(self.joined + JOINING_SECONDS)
        if not self.before or whole is None or since is None or self.spent_credit(series):
            return False
        return abs(whole / self.before - 1) < _SAME_SHARE and abs(since / self.before - 1) < _LIKE_SHARE


@dataclass(frozen=True, slots=True)
class WhenDecided:
    """Stop as soon as a rate in bits per second is proven or refuted, at the cap of bytes or of time."""

    asked: float
    most_bytes: int
    most_seconds: float = MOST_SECONDS

    def __call__(self, series: Series) -> LineStop.ValueType | None:
        """Return PROVEN, REFUTED, BYTE_CAP or TIME_CAP, or None."""
        seconds = series.seconds
        if seconds >= SETTLING_SECONDS + PROOF_SECONDS:
            lately = held(series)
            # The mean too: what stood still and then came at once is in the outer quarters.
            mean = series.rate(seconds - PROOF_SECONDS, seconds)
            # And that of the whole: what a loss of the slow start held up may come within these two seconds.
            if min(lately, mean) >= self.asked and series.rate(0, seconds) >= _WHOLE_SHARE * self.asked:
                return PROVEN
            recent = last_variation(series)
            steady = recent is not None and recent < STEADY_VARIATION
            if max(lately, mean) < _REFUTED_SHARE * self.asked and (steady or seconds >= _DOUBT_SECONDS):
                return REFUTED
        over = capped(series, self.most_bytes, self.most_seconds)
        if over == TIME_CAP:
            sustained = series.sustained()
            return REFUTED if sustained is not None and sustained < self.asked else TIME_CAP
        return over


def held(series: Series) -> float:
    """Return the rate of the last PROOF_SECONDS, in bits per second."""
    return interquartile_mean(series.rates(series.seconds - PROOF_SECONDS, series.seconds))


def last_variation(series: Series) -> float | None:
    """Return how much the rates of the last two seconds vary; None before there are such."""
    rates = series.rates(max(0.0, series.seconds - _STEP_SECONDS * _STEPS), series.seconds, _STEP_SECONDS)
    return variation(rates) if len(rates) == _STEPS else None


def capped(series: Series, most_bytes: int, most_seconds: float) -> LineStop.ValueType | None:
    """Return which cap was met, or None."""
    if series.moved >= most_bytes:
        return BYTE_CAP
    return TIME_CAP if series.seconds >= most_seconds else None
