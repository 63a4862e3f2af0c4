"""The figures of a line and the rules that stop a test, on made-up arrivals; the words of other tools."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from prerequis.pacing import LONGEST_CREDIT_SECONDS, Pacer
from prerequis.v1 import line_pb2 as wire
from prerequis.v1.facts_pb2 import Interface, Line
from prerequis.v1.line_pb2 import LineConditions, LineDirection
from prerequis_agent.errors import ParseError, Unsupported
from prerequis_agent.execution import CommandResult
from prerequis_agent.host import Host
from prerequis_agent.line import conditions, flags, iperf3, method, speedtest_cli
from prerequis_agent.line.latency import RoundTrips
from prerequis_agent.line.series import Series, interquartile_mean, wilson
from prerequis_agent.line.stop import WhenDecided, WhenStable
from prerequis_agent.line.way import is_web_page


def series(rate: Callable[[float], float], seconds: float, step: float = 0.01, streams: int = 1) -> Series:
    """Return what streams bring that share a rate, in bits per second, which changes with time."""
    made = Series([])
    for _ in range(streams):
        stream = made.opened()
        owed = 0.0
        for index in range(round(seconds / step) + 1):
            owed += rate(index * step) * step / 8 / streams
            stream.arrived(100 + index * step, int(owed))
            owed -= int(owed)
    return made


def test_slow_start_is_left_out() -> None:
    assert series(lambda at: 8e6 * min(1.0, at / 0.5), 3).sustained() == pytest.approx(8e6, rel=0.01)


def test_a_slow_line_that_comes_in_large_records_is_steady() -> None:
    arrived = series(lambda at: 2e6, 4, step=0.0655)
    assert arrived.sustained() == pytest.approx(2e6, rel=0.01)
    assert WhenStable(10**9)(arrived) == wire.STABLE


def test_what_a_lost_segment_held_up_was_under_way_meanwhile() -> None:
    arrived = Series()
    stream = arrived.opened()
    for at in range(100):
        stream.arrived(at / 100, 10_000)
    for _ in range(50):  # half a second of silence, then all of it within a millisecond
        stream.arrived(1.49, 10_000)
    assert arrived.rate(1.0, 1.2) == pytest.approx(8e6, rel=0.05)


@pytest.mark.parametrize("stopped", [2.1, 2.25, 2.4])
def test_a_run_that_stops_while_a_segment_is_sent_again_reads_the_rate_of_the_line(stopped: float) -> None:
    def told(at: float) -> float:
        # From 2.0 s on little is let through, for what follows a lost segment waits for it.
        return 8e6 if at < 2.0 else 1e6

    arrived = series(told, stopped)
    assert arrived.rate(0.5, stopped) < 0.97 * 8e6
    assert arrived.level(0.5) == pytest.approx(8e6, rel=0.01)
    assert arrived.level(stopped + 0.1) is None


def test_the_mean_of_a_steady_line_is_no_greater_for_the_choice_of_its_end() -> None:
    assert series(lambda at: 8e6 * min(1.0, at / 0.5), 2.4).level(0.5) == pytest.approx(8e6, rel=0.01)


def test_the_first_bytes_of_a_stream_that_joins_are_counted() -> None:
    arrived = Series()
    one = arrived.opened()
    for at in range(101):
        one.arrived(at / 100, 10_000)
    other = arrived.opened()
    other.arrived(1.5, 500_000)
    one.arrived(1.5, 10_000)
    assert arrived.bytes_between(0, 1.5) == 1_510_000
    assert arrived.bytes_between(1.0, 1.25) == pytest.approx(255_000)


@given(some.lists(some.tuples(some.floats(0.0001, 0.3), some.integers(0, 10**7)), max_size=60))
def test_bins_hold_no_more_than_what_came_and_no_rate_is_negative(steps: list[tuple[float, int]]) -> None:
    arrived = Series()
    stream, at = arrived.opened(), 0.0
    for step, count in steps:
        at += step
        stream.arrived(at, count)
    assert arrived.moved == sum(count for _, count in steps)
    assert sum(arrived.bins()) <= arrived.moved + len(arrived.bins())
    sustained = arrived.sustained()
    assert sustained is None or sustained >= 0


@given(some.integers(0, 1000), some.integers(0, 1000))
def test_the_interval_of_a_share_holds_the_share(one: int, other: int) -> None:
    lost, sent = sorted((one, other))
    low, high = wilson(lost, sent)
    assert 0 <= low <= (lost / sent if sent else 0) + 1e-9
    assert (lost / sent if sent else 0) <= high + 1e-9 <= 1 + 1e-9


def test_five_of_five_hundred_is_what_wilson_says() -> None:
    low, high = wilson(5, 500)
    assert (round(low, 4), round(high, 4)) == (0.0043, 0.0232)


@given(some.lists(some.floats(0, 1e9), min_size=1))
def test_the_interquartile_mean_lies_among_the_values(values: list[float]) -> None:
    assert min(values) - 1 <= interquartile_mean(values) <= max(values) * (1 + 1e-9) + 1


@pytest.mark.parametrize("share", [0.9, 0.95, 1.05, 1.1])
def test_a_rate_is_proven_or_refuted_by_what_is_held(share: float) -> None:
    rule = WhenDecided(20e6, 10**9)
    assert rule(series(lambda at: 20e6 * share, 2.0)) is None
    assert rule(series(lambda at: 20e6 * share, 4.1)) == (wire.PROVEN if share > 1 else wire.REFUTED)


def test_what_stood_still_and_then_came_at_once_proves_nothing() -> None:
    def stalls(at: float) -> float:
        return 25e6 if at % 2 < 1.3 else 0.0

    assert WhenDecided(20e6, 10**9)(series(stalls, 4.0)) != wire.PROVEN


def test_caps_end_a_test_that_shows_nothing() -> None:
    wavering = series(lambda at: 10e6 if int(at * 2) % 2 else 1e6, 8.1)
    assert WhenStable(10**9)(wavering) == wire.TIME_CAP
    assert WhenStable(1_000_000)(wavering) == wire.BYTE_CAP
    assert WhenStable(10**9)(series(lambda at: 10e6 if int(at * 2) % 2 else 1e6, 5.0)) is None


def test_streams_that_joined_are_given_time_and_agree_with_the_one_before() -> None:
    steady = series(lambda at: 8e6, 2.4, streams=4)
    assert WhenStable(10**9, joined=1.0, before=8e6)(steady) == wire.STABLE
    assert not WhenStable(10**9, joined=1.0, before=4e6).agrees(steady)
    assert WhenStable(10**9, joined=2.0, before=8e6)(steady) is None


def test_one_stream_that_losses_slow_down_is_left_alone_until_its_rate_shows_it() -> None:
    def losing(at: float) -> float:
        return 40e6 * math.exp(-5 * max(0.0, at - 0.4))

    assert method._alone_for_long_enough(series(losing, 1.2)) is None
    assert method._alone_for_long_enough(series(losing, 2.01)) == wire.STABLE
    assert method._alone_for_long_enough(series(lambda at: 20e6, 1.01)) == wire.STABLE
    assert method._alone_for_long_enough(series(lambda at: 1e6, 1.2)) is None


def test_a_line_that_was_much_faster_at_first_is_not_steady_before_the_longest_time() -> None:
    def bucket(at: float) -> float:
        return 24e6 if at < 0.9 else 8e6

    rule = WhenStable(10**9, joined=1.0, before=20e6)
    assert rule(series(bucket, 6.0)) is None
    assert rule(series(bucket, 8.1)) == wire.TIME_CAP
    assert rule(series(lambda at: 8e6, 6.0)) == wire.STABLE


def test_the_pacer_catches_up_no_more_than_its_credit() -> None:
    now, slept = [0.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    pacer = Pacer(8000, clock=lambda: now[0], sleep=sleep)
    for _ in range(10):
        pacer.wait(100)
    assert sum(slept) == pytest.approx(0.9)
    now[0] += 5
    slept.clear()
    for _ in range(10):
        pacer.wait(100)
    assert sum(slept) == pytest.approx(0.9 - LONGEST_CREDIT_SECONDS)
    Pacer(None, clock=lambda: now[0], sleep=sleep).wait(10**9)


@pytest.mark.parametrize(
    ("given_flags", "confidence"),
    [
        ([], Line.HIGH),
        ([wire.WIFI], Line.MEDIUM),
        ([wire.METERED, wire.BYTE_CAPPED], Line.MEDIUM),
        ([wire.WIFI, wire.CPU_SATURATED], Line.LOW),
        ([wire.CAPTIVE_PORTAL], Line.LOW),
    ],
)
def test_confidence_follows_the_flags(
    given_flags: list[wire.LineFlag.ValueType], confidence: Line.Confidence.ValueType
) -> None:
    assert flags.confidence(given_flags) == confidence
    assert flags.sentence(given_flags).count(";") == max(0, len(given_flags) - 1)


def test_every_flag_has_its_sentence() -> None:
    assert set(flags.SENTENCES) == set(wire.LineFlag.values()) - {wire.LINE_FLAG_UNSPECIFIED}


def test_a_direction_tells_of_buckets_losses_and_caps() -> None:
    found = LineDirection(
        bits_per_second=8e6, first_second_bits_per_second=24e6, single_stream_bits_per_second=2e6, streams=4,
        stop=wire.BYTE_CAP, variation=0.5,
    )  # fmt: skip
    assert set(flags.of_direction(found)) == {wire.TOKEN_BUCKET, wire.LOSS_LIMITED, wire.BYTE_CAPPED, wire.UNSTEADY}
    # Paced at 2.5 Mbit/s, a single stream had nearly all that it could.
    assert wire.LOSS_LIMITED not in set(flags.of_direction(found, single_pace=2.5e6))


def test_a_phone_that_shares_its_connection_is_metered_and_said_to_be(tmp_path: Path) -> None:
    said = CommandResult(0, "GENERAL.METERED:yes (guessed)\n", "")
    host = Host(tmp_path, "linux", answers={"nmcli -t -f GENERAL.METERED device show wlan0": said})
    wifi = Interface(name="wlan0", kind=Interface.WIFI)
    attached = conditions.Attachment(wifi)
    assert conditions._metered(host, attached) is True
    stick = conditions.Attachment(Interface(name="wwan0", kind=Interface.MOBILE))
    assert conditions._metered(host, stick) is True
    assert conditions._metered(host, conditions.Attachment(Interface(name="eth0", kind=Interface.ETHERNET))) is None
    line = Line()
    conditions.fill(line.conditions, conditions.Attachment(wifi, metered=True))
    assert line.conditions.interface == LineConditions.WIRELESS
    told = flags.conclude(line, flags.Evidence(idle=RoundTrips([0.02, 0.021])))
    assert list(line.flags) == [wire.WIFI, wire.METERED]
    assert line.confidence == Line.MEDIUM
    assert "facturée au volume" in told


@pytest.mark.parametrize(
    ("text", "metered"), [("GENERAL.METERED:no\n", False), ("GENERAL.METERED:unknown", None), ("", None)]
)
def test_what_nmcli_does_not_know_is_not_known(text: str, metered: bool | None) -> None:
    assert conditions.parse_metered(text) is metered


ARP = """IP address       HW type     Flags       HW address            Mask     Device
192.0.2.1        0x1         0x2         AA:bb:cc:00:11:22     *        eth0
192.0.2.9        0x1         0x0         00:00:00:00:00:00     *        eth0
"""


def test_the_gateways_address_leaves_only_as_a_digest_of_this_site(tmp_path: Path) -> None:
    assert conditions.parse_arp(ARP, "192.0.2.1") == "aa:bb:cc:00:11:22"
    assert conditions.parse_arp(ARP, "192.0.2.9") is None
    (tmp_path / "proc" / "net").mkdir(parents=True)
    (tmp_path / "proc" / "net" / "arp").write_text(ARP)
    host = Host(tmp_path, "linux")
    one, other = (conditions.gateway_digest(host, ("192.0.2.1",), site) for site in ("330000019", "330000027"))
    assert len(one) == len(other) == 32
    assert one != other
    assert conditions.gateway_digest(host, ("192.0.2.9",), "330000019") == b""


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"error": "the server is busy running a test. try again later"}', "sert un autre poste"),
        ('{"error": "unable to connect to server: Connection refused"}', "injoignable"),
        ('{"error": "control socket has closed unexpectedly"}', "n'a rien mesuré"),
    ],
)
def test_what_iperf3_complains_of_becomes_a_plain_sentence(text: str, sentence: str) -> None:
    with pytest.raises(Unsupported, match=sentence):
        iperf3.parse(text, "192.0.2.1:5201")


@given(some.text() | some.builds(json.dumps, some.recursive(some.none() | some.integers(), some.lists)))
def test_iperf3_and_speedtest_may_say_anything(text: str) -> None:
    for parse in (lambda: iperf3.parse(text, "x"), lambda: speedtest_cli.parse(text)):
        with pytest.raises((ParseError, Unsupported)):
            parse()


def test_iperf3_is_read_where_the_bytes_arrived() -> None:
    end = {"sum_sent": {"bits_per_second": 9e6}, "sum_received": {"bits_per_second": 8e6}, "streams": []}
    assert iperf3.parse(json.dumps({"end": end}), "x") == (8e6, None)


def test_speedtest_clis_absurd_delay_is_dropped() -> None:
    found = speedtest_cli.parse('{"down": 8e6, "up": 1e6, "ping": 1800000.0}')
    assert not found.HasField("rtt_seconds")
    assert speedtest_cli.parse('{"down": 8e6, "up": 1e6, "ping": 21.5}').rtt_seconds == pytest.approx(0.0215)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("HTTP Error 403: Forbidden", "403"),
        ("<urlopen error [Errno -3] Temporary failure in name resolution>", "injoignable"),
        ("Unable to connect to servers to test latency.", "autrement"),
    ],
)
def test_what_speedtest_cli_complains_of_becomes_a_plain_sentence(words: str, sentence: str) -> None:
    with pytest.raises(Unsupported, match=sentence):
        speedtest_cli.parse(json.dumps({"problem": speedtest_cli.kind_of(words)}))


@pytest.mark.parametrize(
    ("answer", "page"),
    [
        (b"HTTP/1.1 302 Found\r\nLocation: /login\r\n\r\n", True),
        (b"HTTP/1.1 511 Network Authentication Required\r\n\r\n", True),
        (b"HTTP/1.0 200 OK\r\n\r\n<!doctype html><HTML>", True),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\n\r\n", False),
        (b"\x15\x03\x01\x00\x02", False),
        (b"", False),
    ],
)
def test_a_web_page_is_told_from_anything_else(answer: bytes, page: bool) -> None:
    assert is_web_page(answer) is page


def test_a_busy_machine_is_waited_for_and_no_longer_than_that(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [conditions.Quiet(9e6, 0.1), conditions.Quiet(0.0, 0.9), conditions.Quiet(1e3, 0.1)]
    monkeypatch.setattr(conditions, "watch", lambda host, interface: answers.pop(0))
    assert conditions.quiet(Host(), None, 20e6, 5.0).other_bits_per_second == 1e3
    answers.append(conditions.Quiet(9e6, 0.1))
    assert conditions.quiet(Host(), None, 20e6, 0.0).is_busy(20e6)
    assert not conditions.Quiet(None, None).is_busy(20e6)


def test_what_slow_start_lost_and_comes_late_proves_nothing() -> None:
    def late(at: float) -> float:
        # A line of 1.8 Mbit/s: what was lost before half a second comes with the rest.
        return 0.2e6 if at < 0.5 else 2.1e6 if at < 2.6 else 1.8e6

    assert WhenDecided(2e6, 10**9)(series(late, 2.55)) is None
    assert WhenDecided(2e6, 10**9)(series(late, 4.1)) == wire.REFUTED
