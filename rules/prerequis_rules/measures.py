"""What the machines of a site measured together."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date

from prerequis.v1.context_pb2 import SiteMeasures
from prerequis.v1.facts_pb2 import Facts, Line, System
from prerequis.v1.line_pb2 import (
    GATEWAY_DELAY,
    LINK_SPEED_BOUND,
    LOSS_LIMITED,
    OVER_VPN,
    THROUGH_PROXY,
    TLS_INSPECTED,
    WIFI,
    LineDirection,
    LineLatency,
    LineStop,
)
from prerequis_rules.context import in_range
from prerequis_rules.local_network import dhcp_servers

DAYS = 5
"""Days whose busy hours must have been measured before a percentile says what a site's day is like."""

QUARTER = 0.25
"""Of the busy hours, the share that may be worse than the figure that is judged."""

_ELSEWHERE = frozenset({GATEWAY_DELAY, LINK_SPEED_BOUND, LOSS_LIMITED, OVER_VPN, THROUGH_PROXY, TLS_INSPECTED, WIFI})
"""What set the pace may not have been the line: it carries as much at least."""


@dataclass(frozen=True, slots=True)
class Rate:
    """What one test found in one direction."""

    bits_per_second: float
    censored: bool | None
    """Whether it is a lower bound; None when the test does not say."""


@dataclass(frozen=True, slots=True)
class LineSample:
    """One measurement of a site's line that counts."""

    down: Rate | None
    up: Rate | None
    rtt_seconds: float | None
    sure: bool
    """By cable, and nothing weakened it."""
    busy: bool = False
    """In one of the hours in which the site works hardest."""
    day: date | None = None
    """On the site's calendar."""
    hour: int | None = None
    jitter_seconds: float | None = None
    connections: int = 0
    """Tried to count losses."""
    lost: int = 0
    """Those of them that never answered."""


def sample_of(line: Line, *, day: date, hour: int, busy: bool, wireless: bool) -> LineSample:
    """Return what a measurement says of the site's line, at a moment of the site's clock."""
    elsewhere = wireless or not _ELSEWHERE.isdisjoint(line.flags)
    down = line.down_bits_per_second if line.HasField("down_bits_per_second") else None
    up = line.up_bits_per_second if line.HasField("up_bits_per_second") else None
    return LineSample(
        down=_rate(line, line.down, down, elsewhere=elsewhere),
        up=_rate(line, line.up, up, elsewhere=elsewhere),
        rtt_seconds=line.rtt_seconds if line.HasField("rtt_seconds") else None,
        sure=line.confidence == Line.HIGH and not elsewhere,
        busy=busy,
        day=day,
        hour=hour,
        jitter_seconds=_jitter(line),
        connections=line.loss.sent,
        lost=line.loss.lost,
    )


def measures_of(facts: Iterable[Facts], samples: Sequence[LineSample] = ()) -> SiteMeasures:
    """Return the figures of a site; unset what none of its machines measured.

    `samples` are the measurements of the line that count; without any, those that the machines' reports carry are
    taken, but for a line measured to the machine itself, or not known to be measured to another one. `gateways`
    counts the distinct preferred default gateways. `system_releases` counts the distinct releases of the `systems`
    that tell it.
    """
    machines = list(facts)
    measures = line_measures(samples or _reported(machine.line for machine in machines))
    gateways = [machine.network.gateways.addresses for machine in machines if machine.network.HasField("gateways")]
    if gateways:
        measures.gateways = len({addresses[0] for addresses in gateways if addresses})
    releases = [release for machine in machines if (release := _release(machine.system)) is not None]
    if releases:
        measures.systems, measures.system_releases = len(releases), len(set(releases))
    servers = dhcp_servers(machines)
    if servers is not None:
        measures.dhcp_servers = servers
    return measures


def line_measures(samples: Sequence[LineSample]) -> SiteMeasures:
    """Return what a site's line carries; nothing when it was not measured.

    Once busy hours of DAYS days are known, the rate that three busy hours in four reach, and the round trip that three
    in four keep. Before, the best of each: a test can only find less than the line carries. A figure is censored, a
    lower bound, when a test that ended before the line was full could have changed it.
    """
    measures = SiteMeasures()
    if not samples:
        return measures
    busy = [sample for sample in samples if sample.busy]
    days = {sample.day for sample in busy}
    provisional = len(days) < DAYS
    counted = samples if provisional else busy
    figure = _best if provisional else _low
    down = figure([sample.down for sample in counted if sample.down is not None])
    up = figure([sample.up for sample in counted if sample.up is not None])
    if down is not None:
        measures.down_bits_per_second = down.bits_per_second
        _note(down, lambda censored: setattr(measures, "down_censored", censored))
    if up is not None:
        measures.up_bits_per_second = up.bits_per_second
        _note(up, lambda censored: setattr(measures, "up_censored", censored))
    found = [rate.censored for rate in (down, up) if rate is not None]
    if found and None not in found:
        measures.censored = any(found)
    times = [sample.rtt_seconds for sample in counted if sample.rtt_seconds is not None]
    if times:
        measures.rtt_seconds = min(times) if provisional else _kept(times)
    jitters = [sample.jitter_seconds for sample in counted if sample.jitter_seconds is not None]
    if jitters:
        measures.jitter_seconds = min(jitters) if provisional else _kept(jitters)
    if any(sample.connections for sample in counted):
        measures.connections = sum(sample.connections for sample in counted)
        measures.connections_lost = sum(sample.lost for sample in counted)
    measures.line_days = len(days)
    measures.line_results = len(samples)
    measures.line_provisional = provisional
    measures.line_sure = any(sample.sure for sample in counted if sample.down is not None and sample.down == down)
    return measures


def _note(rate: Rate, keep: Callable[[bool], None]) -> None:
    if rate.censored is not None:
        keep(rate.censored)


def _rate(line: Line, direction: LineDirection, whole: float | None, *, elsewhere: bool) -> Rate | None:
    """Return one direction of a measurement; older ones say for both at once whether they are lower bounds."""
    if direction.HasField("bits_per_second"):
        censored = direction.censored if direction.HasField("censored") else None
        lower = elsewhere or direction.stop == LineStop.PROVEN
        return Rate(direction.bits_per_second, lower or censored)
    if whole is None:
        return None
    censored = line.censored if line.HasField("censored") else None
    return Rate(whole, elsewhere or censored)


def _jitter(line: Line) -> float | None:
    """Return the variation of the idle round trips to the collector, in seconds."""
    found = [one for one in line.idle if one.towards == LineLatency.COLLECTOR and one.HasField("jitter_seconds")]
    return found[0].jitter_seconds if found else None


def _kept(times: Sequence[float]) -> float:
    """Return the time that three in four keep."""
    return sorted(times)[len(times) - 1 - _rank(len(times))]


def _best(rates: Sequence[Rate]) -> Rate | None:
    return max(rates, key=lambda rate: rate.bits_per_second, default=None)


def _low(rates: Sequence[Rate]) -> Rate | None:
    """Return the rate that three in four reach; exact only if all below it are."""
    if not rates:
        return None
    ordered = sorted(rates, key=lambda rate: rate.bits_per_second)
    below = ordered[: _rank(len(ordered)) + 1]
    said = {rate.censored for rate in below}
    return Rate(below[-1].bits_per_second, True if True in said else None if None in said else False)


def _rank(many: int) -> int:
    """Return the place, from 0, of the lower quartile of so many in order."""
    return int(QUARTER * (many - 1))


def _reported(lines: Iterable[Line]) -> list[LineSample]:
    return [
        sample_of(line, day=line.started_at.ToDatetime(UTC).date(), hour=0, busy=False, wireless=False)
        for line in lines
        if line.HasField("loopback") and not line.loopback and in_range(line.started_at)
    ]


def _release(system: System) -> tuple[str, str] | None:
    """Return what tells releases apart: the build of Windows, the version of the others."""
    if system.family == System.WINDOWS:
        return ("windows", str(system.build)) if system.HasField("build") else None
    return (system.distribution, system.release) if system.distribution and system.release else None
