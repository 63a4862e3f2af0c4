"""The two tests of a direction: whether a rate can be had, and which rate can."""

import math

from prerequis.v1.line_pb2 import BYTE_CAP, CUT, PROVEN, STABLE, LineDirection, LineStop
from prerequis_agent.errors import Unsupported
from prerequis_agent.line.flow import Budget, Direction, Flow, Transport
from prerequis_agent.line.latency import RoundTrips
from prerequis_agent.line.series import BIN_SECONDS, LAST_SHARE, SETTLING_SECONDS, Series, variation
from prerequis_agent.line.stop import JOINING_SECONDS, MOST_SECONDS, WhenDecided, WhenStable, held, last_variation

STREAMS = 4
PACE = 1.25
"""A sufficiency test is paced at so many times the rate that is asked for."""

SINGLE_SECONDS = 1.0
"""How long one stream is alone at the start of a capacity test…"""

SLOW_SINGLE_SECONDS = 2.0
"""… or so long while it has moved fewer than SLOW_BYTES, as slow start takes longer on a slow line, or while its rate
still falls: what losses leave it shows only some round trips after the slow start…"""

SLOW_BYTES = 500_000
SINGLE_BYTES = 5_000_000
"""… or how many bytes: on a fast line it must leave some for the others."""

MORE_RATIO = 0.6
"""One stream under this share of several: more of them may show more."""

MORE_SECONDS = 2.0
"""The least that must be left of MOST_SECONDS for them to show it."""

_FALLING_RATIO = 0.85
"""A quarter of a second with less than this share of the one before: the rate falls."""

_LEVEL = 0.1
"""Standard deviation over mean of a fast line's last rates, under which it had reached its rate."""

USER_SECONDS = 4.0
"""The longest that one user's rate is tried for."""


class Course:
    """How one direction went: its figures, and what they do not show."""

    def __init__(self) -> None:
        self.found = LineDirection()
        self.single_pace: float | None = None
        self.held = False
        self.problems: list[Exception] = []
        self.loaded = RoundTrips()

    def take(self, flow: Flow) -> None:
        """Close a flow and keep what went wrong in it."""
        flow.close()
        self.held = self.held or flow.held
        self.problems += flow.problems


def capacity(transport: Transport, direction: Direction, most_bytes: int, streams: int = STREAMS) -> Course:
    """Return the rate of a direction: one stream alone, then all of them until the rate no longer changes.

    Raises OSError and ProbeError when no byte came.
    """
    course = Course()
    flow = Flow(transport, direction, Budget(most_bytes))
    try:
        flow.prepare(streams)
        flow.begin(1)
        stop = flow.wait(_alone_for_long_enough)
        alone, settled = flow.series.seconds, _settled(flow.series)
        single = flow.series.rate(settled, alone) if alone > 0 else None
        rule = WhenStable(most_bytes, alone, single, max(SETTLING_SECONDS, settled))
        if stop == STABLE:
            flow.begin(streams - 1)
            stop = flow.wait(rule)
        together = flow.series.rate(rule.joined + JOINING_SECONDS, flow.series.seconds)
        short_of_time = flow.series.seconds > MOST_SECONDS - MORE_SECONDS
        if stop == STABLE and single is not None and single < MORE_RATIO * together and not short_of_time:
            # A rate that grows with the number of streams is not yet that of the line.
            joined = flow.series.seconds
            rule = WhenStable(most_bytes, joined, settled=joined + JOINING_SECONDS)
            flow.prepare(streams)
            flow.begin(streams)
            stop, streams = flow.wait(rule), 2 * streams
    finally:
        course.take(flow)
    _require(flow)
    since = rule.joined + JOINING_SECONDS
    # No median of bins: streams hold each other up, and bins jump. Where one stream and four did not agree, the
    # interquartile mean of 2 Mbit/s read 7.5 % low to 6.4 % high, this mean 0.7 to 3.4 % low.
    lately = max(since, flow.series.seconds * (1 - LAST_SHARE))
    rate = flow.series.level(rule.settled if rule.agrees(flow.series) else lately)
    _fill(course.found, flow.series, rate, stop, streams)
    if stop == BYTE_CAP and rate is not None:
        # A fast line has shown its rate by then; one that still grew has not.
        course.found.censored = variation(flow.series.rates(since, flow.series.seconds, 0.1)) > _LEVEL
    if single is not None:
        course.found.single_stream_bits_per_second = single
    return course


def sufficiency(
    transport: Transport, direction: Direction, most_bytes: int, target: float, user: float, streams: int = STREAMS
) -> Course:
    """Return whether a direction gives one user his rate by one stream, then `target` over PACE by several.

    `target` is what the test is paced at; 0: the site's need is not known, and one user is all that is shown. Raises
    OSError and ProbeError when no byte came.
    """
    course = Course()
    course.single_pace = user * PACE
    alone = Flow(transport, direction, Budget(most_bytes))
    try:
        alone.prepare(1, user * PACE)
        alone.begin(1)
        stop = alone.wait(WhenDecided(user, most_bytes, USER_SECONDS))
    finally:
        course.take(alone)
    _require(alone)
    single = held(alone.series) if stop == PROVEN else alone.series.sustained()
    _fill(course.found, alone.series, single, stop, 1)
    course.found.target_bits_per_second = max(target, user * PACE)
    if target > user * PACE and stop != BYTE_CAP:
        left = most_bytes - alone.series.moved
        together = Flow(transport, direction, Budget(left))
        try:
            together.prepare(streams, target / streams)
            together.begin(streams)
            stop = together.wait(WhenDecided(target / PACE, left))
        finally:
            course.take(together)
        _require(together)
        rate = held(together.series) if stop == PROVEN else together.series.sustained()
        _fill(course.found, together.series, rate, stop, streams)
        course.found.bytes += alone.series.moved
        course.found.seconds += alone.series.seconds
    if single is not None:
        course.found.single_stream_bits_per_second = single
    return course


def _alone_for_long_enough(series: Series) -> LineStop.ValueType | None:
    seconds = series.seconds
    if series.moved >= SINGLE_BYTES or seconds >= SLOW_SINGLE_SECONDS:
        return STABLE
    if seconds < SINGLE_SECONDS or series.moved < SLOW_BYTES:
        return None
    earlier, later = series.rates(seconds - 2 * BIN_SECONDS, seconds)
    return STABLE if later >= _FALLING_RATIO * earlier else None


def _settled(series: Series) -> float:
    """Return from when on the only stream shows its rate: half its time, or its last half second if it fell before."""
    seconds = series.seconds
    return max(seconds / 2, seconds - 2 * BIN_SECONDS) if series.moved > 2 * SLOW_BYTES else seconds / 2


def _require(flow: Flow) -> None:
    if flow.series.seconds <= 0:
        raise flow.problems[0] if flow.problems else Unsupported("La mesure a été coupée avant le premier octet.")


def _fill(found: LineDirection, series: Series, rate: float | None, stop: LineStop.ValueType, streams: int) -> None:
    seconds = series.seconds
    if rate is None:
        rate = series.rate(0, seconds)
        stop = stop if stop in (BYTE_CAP, CUT) else CUT
    found.bits_per_second = rate
    found.censored = stop in (PROVEN, BYTE_CAP, CUT)
    found.mean_bits_per_second = series.rate(0, seconds)
    found.first_second_bits_per_second = series.rate(0, min(1.0, seconds))
    recent = last_variation(series)
    if recent is not None and math.isfinite(recent):
        found.variation = recent
    found.bytes = series.moved
    found.seconds = seconds
    found.streams = streams
    found.stop = stop
    found.ClearField("bins")
    found.bins.extend(series.bins())
