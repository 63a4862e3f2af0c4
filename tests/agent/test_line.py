"""The line probe against a real TLS server that speaks the measuring protocol on loopback."""

import contextlib
import json
import os
import random
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some
from tests.agent.conftest import Authority, Serve, server_context

from prerequis.v1.facts_pb2 import Line
from prerequis_agent.errors import ParseError, Unsupported
from prerequis_agent.host import Host
from prerequis_agent.probe import Observation
from prerequis_agent.probes import line
from prerequis_agent.surroundings import Collector, Lease, Surroundings

TOKEN = bytes(range(16))


@dataclass
class MeasuringServer:
    """The far end; `rate` in bytes per second paces what it sends and what it takes."""

    context: ssl.SSLContext
    cap: int = 400_000
    rate: float = 0.0
    seconds: float = 2.0
    answers_early: bool = False
    answer: bytes | None = None
    asked: list[str] = field(default_factory=list)

    def handle(self, connection: socket.socket) -> None:
        with self.context.wrap_socket(connection, server_side=True) as secured:
            request = b""
            while not request.endswith(b"\n") and (byte := secured.recv(1)):
                request += byte
            if not request:
                return
            version, token, direction = request.decode().split()
            self.asked.append(f"{version} {direction}")
            assert token == TOKEN.hex()
            self.send(secured) if direction == "down" else self.receive(secured)

    def pace(self, started: float, moved: int) -> None:
        if self.rate:
            time.sleep(max(0.0, started + moved / self.rate - time.perf_counter()))

    def send(self, secured: ssl.SSLSocket) -> None:
        started = time.perf_counter()
        moved = 0
        while moved < self.cap and time.perf_counter() - started < self.seconds:
            moved += secured.send(os.urandom(min(8192, self.cap - moved)))
            self.pace(started, moved)
        # Reads the notice of the end, so that closing does not cut what is under way.
        with contextlib.suppress(OSError):
            secured.unwrap()

    def receive(self, secured: ssl.SSLSocket) -> None:
        moved = 0
        started = time.perf_counter()
        while block := secured.recv(8192):
            moved += len(block)
            self.pace(started, moved)
            if self.answers_early and time.perf_counter() - started > self.seconds:
                break
        seconds = time.perf_counter() - started
        secured.sendall(self.answer or json.dumps({"bytes": moved, "seconds": seconds}).encode() + b"\n")
        if self.answers_early:
            while secured.recv(65536):
                pass


@dataclass
class Bench:
    """A collector whose measuring port is a MeasuringServer, and the host that looks at it."""

    server: MeasuringServer
    collector: Collector
    held: list[str]

    def measure(self) -> tuple[Line, str]:
        observation: Observation = line.observe(Host(surroundings=Surroundings(collector=self.collector)))
        assert isinstance(observation.facts, Line)
        return observation.facts, observation.detail


@pytest.fixture
def bench(authority: Authority, authority_file: Path, identity_file: Path, tmp_path: Path, serve: Serve) -> Bench:
    server = MeasuringServer(server_context(authority, tmp_path, "127.0.0.1", mutual=True))
    measure_port = serve(server.handle)
    main_port = serve(lambda connection: None)
    held: list[str] = []

    @contextlib.contextmanager
    def lease() -> Iterator[Lease]:
        held.append("taken")
        yield Lease(TOKEN, measure_port, server.cap)
        held.append("released")

    return Bench(server, Collector("127.0.0.1", main_port, authority_file, identity_file, lease), held)


def test_a_paced_line_is_measured_both_ways(bench: Bench) -> None:
    bench.server.cap, bench.server.rate = 10_000_000, 500_000
    found, detail = bench.measure()
    assert found.down_bits_per_second == pytest.approx(4e6, rel=0.1)
    # The sender's first blocks wait in the buffers of loopback, which a real line does not have to this extent.
    assert found.up_bits_per_second == pytest.approx(4e6, rel=0.1)
    assert not found.censored
    assert found.loopback
    assert found.confidence == Line.LOW
    assert "le collecteur est sur ce poste" in detail.lower()
    assert found.server == "127.0.0.1"
    assert found.streams == 1
    assert 0 < found.rtt_seconds <= found.rtt_p95_seconds < 1
    assert found.bytes_moved > 1_000_000
    assert bench.server.asked == ["PREREQUIS/1 down", "PREREQUIS/1 up"]
    assert bench.held == ["taken", "released"]


def test_a_measurement_that_the_cap_ended_is_a_lower_bound(bench: Bench) -> None:
    found, detail = bench.measure()
    assert found.censored
    assert found.bytes_moved == 2 * bench.server.cap
    assert "minimums" in detail


def test_a_collector_that_answers_before_the_end_is_heard(bench: Bench) -> None:
    bench.server.cap, bench.server.rate = 10_000_000, 400_000
    bench.server.seconds, bench.server.answers_early = 0.8, True
    found, _ = bench.measure()
    assert found.up_bits_per_second == pytest.approx(3.2e6, rel=0.15)


@pytest.mark.parametrize(
    "answer", [b"merci\n", b"{}\n", b'{"bytes": 0, "seconds": 1}\n', b'{"bytes": 1e12, "seconds": 1}\n', b"[1]\n"]
)
def test_an_upload_that_was_not_counted_is_no_figure(bench: Bench, answer: bytes) -> None:
    bench.server.answer = answer
    with pytest.raises(ParseError):
        bench.measure()
    assert bench.held[0] == "taken"


def test_a_line_lent_to_another_machine_is_no_figure(bench: Bench) -> None:
    @contextlib.contextmanager
    def busy() -> Iterator[Lease]:
        raise Unsupported("Un autre poste du site mesure la ligne.")
        yield

    collector = bench.collector
    bench.collector = Collector(collector.host, collector.port, collector.authority, collector.identity, busy)
    with pytest.raises(Unsupported, match="autre poste"):
        bench.measure()
    assert bench.server.asked == []


def test_a_server_of_another_authority_is_not_measured(bench: Bench, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    other.write_bytes(Authority.create("Autre").pem)
    collector = bench.collector
    bench.collector = Collector(collector.host, collector.port, other, collector.identity, collector.lease)
    with pytest.raises(Unsupported, match="coupée"):
        bench.measure()
    assert bench.server.asked == []


def test_a_collector_that_is_away_is_no_figure(bench: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    collector = bench.collector
    bench.collector = Collector("127.0.0.1", port, collector.authority, collector.identity, collector.lease)
    with pytest.raises(Unsupported, match="coupée"):
        bench.measure()
    assert bench.held == []


def test_without_a_collector_the_probe_says_what_to_do() -> None:
    with pytest.raises(Unsupported, match="enrôler ce poste"):
        line.observe(Host())


def arrivals(rate: Callable[[float], float], seconds: float = 2.0, step: float = 0.01) -> list[tuple[float, int]]:
    """Return what a stream gives whose rate, in bytes per second, changes with time."""
    total = 0.0
    given = []
    for index in range(1, round(seconds / step) + 1):
        total += rate(index * step) * step
        given.append((index * step, round(total)))
    return given


def test_slow_start_is_left_out() -> None:
    rate = line.steady_rate(arrivals(lambda at: 1e6 * min(1.0, at / 0.5)))
    assert rate is not None
    assert rate.bits_per_second == pytest.approx(8e6, rel=0.02)
    assert not rate.unsteady


def test_a_slow_line_that_comes_in_large_blocks_is_steady() -> None:
    blocks = [(index * 0.0655, index * 16384) for index in range(1, 40)]
    rate = line.steady_rate(blocks)
    assert rate is not None
    assert rate.bits_per_second == pytest.approx(2.0e6, rel=0.01)
    assert not rate.unsteady


def test_a_burst_and_a_gap_move_the_figure_little() -> None:
    rate = line.steady_rate(arrivals(lambda at: 5e6 if 1.0 < at < 1.1 else 0 if 1.5 < at < 1.6 else 1e6))
    assert rate is not None
    assert rate.bits_per_second == pytest.approx(8e6, rel=0.05)


def test_a_line_that_wavers_is_unsteady() -> None:
    rate = line.steady_rate(arrivals(lambda at: 1e6 * (1.5 + random.Random(int(at * 5)).uniform(-1.4, 1.4))))  # noqa: S311
    assert rate is not None
    assert rate.unsteady


def test_a_stream_too_short_for_a_steady_figure_has_none() -> None:
    assert line.steady_rate([]) is None
    assert line.steady_rate(arrivals(lambda at: 1e6, seconds=0.9)) is None


@given(some.lists(some.tuples(some.floats(0.0001, 0.3), some.integers(0, 10**7)), max_size=200))
def test_the_figure_lies_between_the_slowest_and_the_fastest_bin(steps: list[tuple[float, int]]) -> None:
    at, total, given_arrivals = 0.0, 0, []
    for step, count in steps:
        at, total = at + step, total + count
        given_arrivals.append((at, total))
    rate = line.steady_rate(given_arrivals)
    if rate is not None:
        assert rate.bytes_moved == total
        assert 0 <= rate.bits_per_second <= 8 * total / line.BIN_SECONDS


def test_confidence_follows_the_flags() -> None:
    good = Line(rtt_seconds=0.02, rtt_p95_seconds=0.022, loopback=False, censored=False)
    assert line.confidence(good, unsteady=False, saturated=False) == (Line.HIGH, "")
    assert line.confidence(good, unsteady=True, saturated=False)[0] == Line.MEDIUM
    assert line.confidence(good, unsteady=False, saturated=True)[0] == Line.LOW
    good.censored = True
    assert line.confidence(good, unsteady=False, saturated=False)[0] == Line.MEDIUM
    level, detail = line.confidence(good, unsteady=True, saturated=False)
    assert level == Line.LOW
    assert detail.startswith("La mesure s'est arrêtée")
    assert detail.endswith("le débit a beaucoup varié.")
