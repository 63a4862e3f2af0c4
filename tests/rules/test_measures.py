"""The best figures that a site's machines measured."""

from prerequis.v1.context_pb2 import SiteMeasures
from prerequis.v1.facts_pb2 import Addresses, Facts, Line, Network, System
from prerequis_rules.measures import measures_of


def measured(*lines: Line) -> SiteMeasures:
    """Return what lines measured to another machine give, unless they say otherwise."""
    for line in lines:
        line.loopback = line.loopback
    return measures_of(Facts(line=line) for line in lines)


def test_nothing_is_known_of_a_line_that_nobody_measured() -> None:
    assert measures_of([]) == SiteMeasures()
    assert measures_of([Facts(), Facts(line=Line())]) == SiteMeasures()


def test_the_best_of_each_figure_counts() -> None:
    slow = Line(down_bits_per_second=2e6, up_bits_per_second=3e6, rtt_seconds=0.02, censored=False)
    fast = Line(down_bits_per_second=9e6, up_bits_per_second=1e6, rtt_seconds=0.05, censored=False)
    assert measured(slow, fast) == SiteMeasures(
        down_bits_per_second=9e6, up_bits_per_second=3e6, rtt_seconds=0.02, censored=False
    )


def test_a_lower_bound_counts_only_when_it_is_the_best() -> None:
    bound, figure = Line(down_bits_per_second=5e6, censored=True), Line(down_bits_per_second=7e6, censored=False)
    assert measured(bound, figure).censored is False
    bound.down_bits_per_second = 8e6
    assert measured(bound, figure).censored is True


def test_both_directions_must_be_whole_for_the_figures_to_be_whole() -> None:
    down, up = Line(down_bits_per_second=5e6, censored=False), Line(up_bits_per_second=5e6, censored=True)
    assert measured(down, up).censored is True
    up.ClearField("censored")
    assert not measured(down, up).HasField("censored")


def test_a_test_that_does_not_say_whether_it_ended_early_leaves_that_open() -> None:
    assert measured(Line(down_bits_per_second=5e6)) == SiteMeasures(down_bits_per_second=5e6)


def test_a_line_measured_to_oneself_says_nothing() -> None:
    line = Line(down_bits_per_second=9e9, rtt_seconds=0.0001, censored=False, loopback=True)
    assert measured(line) == SiteMeasures()
    line.ClearField("loopback")
    assert measures_of([Facts(line=line)]) == SiteMeasures()


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
