"""What a site's line carries, from what its machines measured."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerequis.v1.context_pb2 import SiteMeasures
from prerequis.v1.facts_pb2 import Addresses, Facts, Line, Network, System
from prerequis.v1.line_pb2 import CROSS_TRAFFIC, PROVEN, REFUTED, WIFI, LineDirection, LineFlag, LineLatency, LineLoss
from prerequis_rules.measures import DAYS, LineSample, Rate, line_measures, measures_of, sample_of

MONDAY = date(2026, 11, 23)


def measured(*lines: Line) -> SiteMeasures:
    """Return what lines measured to another machine give, unless they say otherwise."""
    for line in lines:
        line.loopback = line.loopback
    return measures_of(Facts(line=line) for line in lines)


def busy(rate: float, day: int = 0, *, censored: bool | None = False, rtt: float = 0.03) -> LineSample:
    figure = Rate(rate, censored)
    return LineSample(figure, figure, rtt, sure=True, busy=True, day=MONDAY + timedelta(days=day), hour=8)


def test_nothing_is_known_of_a_line_that_nobody_measured() -> None:
    assert measures_of([]) == SiteMeasures()
    assert measures_of([Facts(), Facts(line=Line())]) == SiteMeasures()


def test_on_the_first_days_the_best_of_each_figure_is_shown_as_provisional() -> None:
    slow = Line(down_bits_per_second=2e6, up_bits_per_second=3e6, rtt_seconds=0.02, censored=False)
    fast = Line(down_bits_per_second=9e6, up_bits_per_second=1e6, rtt_seconds=0.05, censored=False)
    assert measured(slow, fast) == SiteMeasures(
        down_bits_per_second=9e6, up_bits_per_second=3e6, rtt_seconds=0.02, censored=False, down_censored=False,
        up_censored=False, line_days=0, line_results=2, line_provisional=True, line_sure=False,
    )  # fmt: skip


def test_lost_connections_are_counted_over_all_tests() -> None:
    one, other = Line(loss=LineLoss(sent=60, lost=2)), Line(loss=LineLoss(sent=1000, lost=1))
    both = measured(one, other, Line(rtt_seconds=0.02))
    assert (both.connections, both.connections_lost) == (1060, 3)
    assert not measured(Line(rtt_seconds=0.02)).HasField("connections")


def test_jitter_is_that_of_the_idle_way_to_the_collector() -> None:
    gateway = LineLatency(towards=LineLatency.GATEWAY, jitter_seconds=0.001)
    collector = LineLatency(towards=LineLatency.COLLECTOR, jitter_seconds=0.008)
    worse = LineLatency(towards=LineLatency.COLLECTOR, jitter_seconds=0.02)
    assert measured(Line(idle=[gateway, collector]), Line(idle=[worse])).jitter_seconds == 0.008
    silent = LineLatency(towards=LineLatency.COLLECTOR, sent=60, lost=60)
    assert not measured(Line(idle=[gateway, silent])).HasField("jitter_seconds")


def test_once_five_days_are_known_three_busy_hours_in_four_keep_the_jitter() -> None:
    days = [replace(busy(9e6, day), jitter_seconds=0.01 * (day + 1)) for day in range(DAYS)]
    assert line_measures(days).jitter_seconds == pytest.approx(0.04)
    assert line_measures(days[1:]).jitter_seconds == pytest.approx(0.02)


def test_a_lower_bound_counts_only_when_it_is_the_best() -> None:
    bound, figure = Line(down_bits_per_second=5e6, censored=True), Line(down_bits_per_second=7e6, censored=False)
    assert measured(bound, figure).down_censored is False
    bound.down_bits_per_second = 8e6
    assert measured(bound, figure).down_censored is True


def test_both_directions_must_be_whole_for_the_figures_to_be_whole() -> None:
    down, up = Line(down_bits_per_second=5e6, censored=False), Line(up_bits_per_second=5e6, censored=True)
    both = measured(down, up)
    assert (both.censored, both.down_censored, both.up_censored) == (True, False, True)
    up.ClearField("censored")
    assert not measured(down, up).HasField("censored")


def test_a_test_that_does_not_say_whether_it_ended_early_leaves_that_open() -> None:
    found = measured(Line(down_bits_per_second=5e6))
    assert not found.HasField("down_censored")
    assert not found.HasField("censored")


def test_a_line_measured_to_oneself_says_nothing() -> None:
    line = Line(down_bits_per_second=9e9, rtt_seconds=0.0001, censored=False, loopback=True)
    assert measured(line) == SiteMeasures()
    line.ClearField("loopback")
    assert measures_of([Facts(line=line)]) == SiteMeasures()


def test_what_the_collector_kept_stands_before_what_reports_carry() -> None:
    report = Line(down_bits_per_second=9e9, censored=False, loopback=False)
    assert measures_of([Facts(line=report)], [busy(5e6)]).down_bits_per_second == 5e6


def test_once_five_days_are_measured_three_busy_hours_in_four_reach_the_figure() -> None:
    rates = [1e6, 10e6, 20e6, 30e6, 40e6, 50e6, 60e6, 70e6]
    samples = [busy(rate, day % DAYS, rtt=rate / 1e9) for day, rate in enumerate(rates)]
    found = line_measures(samples)
    assert (found.down_bits_per_second, found.line_provisional, found.line_days) == (10e6, False, DAYS)
    assert found.rtt_seconds == pytest.approx(60e6 / 1e9)


def test_four_days_are_not_enough_however_many_tests_they_hold() -> None:
    found = line_measures([busy(1e6 * n, n % (DAYS - 1)) for n in range(1, 40)])
    assert (found.line_days, found.line_provisional, found.down_bits_per_second) == (DAYS - 1, True, 39e6)


def test_quiet_hours_count_only_before_the_busy_ones_are_known() -> None:
    quiet = LineSample(Rate(99e6, False), None, None, sure=True, busy=False, day=MONDAY, hour=11)
    samples = [quiet, *(busy(5e6, day) for day in range(DAYS))]
    assert line_measures(samples).down_bits_per_second == 5e6
    assert line_measures(samples[:-1]).down_bits_per_second == 99e6


def test_a_low_figure_is_exact_only_when_all_below_it_are() -> None:
    samples = [busy(rate * 1e6, rate % DAYS, censored=False) for rate in range(1, 9)]
    assert line_measures(samples).down_censored is False
    samples[0] = busy(1e6, 1, censored=True)
    assert line_measures(samples).down_censored is True
    samples[0] = busy(1e6, 1, censored=None)
    assert not line_measures(samples).HasField("down_censored")
    samples[0], samples[-1] = busy(1e6, 1), busy(8e6, 3, censored=True)
    assert line_measures(samples).down_censored is False


@given(st.lists(st.tuples(st.floats(1, 1e9), st.booleans(), st.integers(0, 9)), min_size=1, max_size=40))
def test_the_figure_of_a_site_is_one_that_was_measured_and_is_never_improved_by_a_worse_day(
    found: list[tuple[float, bool, int]],
) -> None:
    samples = [busy(rate, day, censored=censored) for rate, censored, day in found]
    before = line_measures(samples)
    assert before.down_bits_per_second in {rate for rate, _, _ in found}
    worst = min(rate for rate, _, _ in found) / 2
    after = line_measures([*samples, *(busy(worst, day) for day in range(DAYS))])
    assert after.down_bits_per_second <= before.down_bits_per_second
    assert not after.line_provisional


def test_a_sufficiency_test_that_was_proven_is_a_lower_bound_and_one_refuted_a_figure() -> None:
    proven = LineDirection(bits_per_second=25e6, stop=PROVEN)
    refuted = LineDirection(bits_per_second=4e6, stop=REFUTED, censored=False)
    sample = sample_of(
        Line(down=proven, up=refuted, confidence=Line.HIGH), day=MONDAY, hour=8, busy=True, wireless=False
    )
    assert (sample.down, sample.up, sample.sure) == (Rate(25e6, True), Rate(4e6, False), True)


@pytest.mark.parametrize(
    ("flags", "wireless", "censored", "sure"),
    [
        ([], False, False, True),
        ([], True, True, False),
        ([WIFI], False, True, False),
        ([CROSS_TRAFFIC], False, False, True),
    ],
)
def test_what_set_the_pace_elsewhere_makes_a_figure_a_lower_bound(
    flags: list[LineFlag.ValueType], wireless: bool, censored: bool, sure: bool
) -> None:
    down = LineDirection(bits_per_second=4e6, stop=REFUTED, censored=False)
    line = Line(down=down, confidence=Line.HIGH, flags=flags)
    sample = sample_of(line, day=MONDAY, hour=8, busy=True, wireless=wireless)
    assert (sample.down, sample.sure) == (Rate(4e6, censored), sure)


def test_distinct_preferred_gateways_are_counted() -> None:
    both, one = Addresses(addresses=["192.0.2.1", "192.0.2.9"]), Addresses(addresses=["192.0.2.1"])
    networks = [Network(gateways=both), Network(gateways=one), Network(gateways=Addresses())]
    assert measures_of(Facts(network=network) for network in networks).gateways == 1
    assert measures_of([Facts(network=Network(gateways=Addresses()))]).gateways == 0
    assert not measures_of([Facts(network=Network())]).HasField("gateways")
    assert not measures_of([Facts()]).HasField("gateways")


def test_the_distinct_releases_of_the_systems_that_tell_theirs_are_counted() -> None:
    systems = [
        System(family=System.WINDOWS, build=26200, build_revision=1),
        System(family=System.WINDOWS, build=26200, build_revision=2),
        System(family=System.WINDOWS, release="25H2"),
        System(family=System.LINUX, distribution="debian", release="13"),
        System(family=System.LINUX, distribution="ubuntu", release="13"),
        System(family=System.LINUX, distribution="debian"),
        System(),
    ]
    measures = measures_of(Facts(system=system) for system in systems)
    assert (measures.systems, measures.system_releases) == (4, 3)
