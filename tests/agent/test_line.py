"""The line probe against a real TLS server that speaks the measuring protocol on loopback."""

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from tests.agent.conftest import Authority, Serve, server_context
from tests.agent.line_far_end import TOKEN, MeasuringServer, buffering_relay

from prerequis.v1 import line_pb2 as wire
from prerequis.v1.facts_pb2 import Line
from prerequis_agent.errors import ParseError, Unsupported
from prerequis_agent.host import Host
from prerequis_agent.line import conditions, idle, librespeed
from prerequis_agent.probes import line
from prerequis_agent.surroundings import Collector, Lease, Plan, Surroundings, Target


@dataclass
class Bench:
    """A collector whose measuring port is a MeasuringServer, and the host that looks at it."""

    server: MeasuringServer
    collector: Collector
    lease: Lease
    held: list[str] = field(default_factory=list)
    reported: list[Line] = field(default_factory=list)
    plan: Plan | None = None

    def measure(self) -> tuple[Line, str]:
        collector = replace(self.collector, lease=self.lend)
        observation = line.observe(Host(surroundings=Surroundings(self.plan, collector)))
        assert isinstance(observation.facts, Line)
        return observation.facts, observation.detail

    @contextlib.contextmanager
    def lend(self) -> Iterator[Lease]:
        self.held.append("taken")
        lease = replace(self.lease, bytes_per_direction=self.server.cap, report=self.reported.append)
        try:
            yield lease
        finally:
            self.held.append("released")


def never() -> contextlib.AbstractContextManager[Lease]:
    raise AssertionError("the bench lends its own lease")


@pytest.fixture
def bench(
    authority: Authority,
    authority_file: Path,
    identity_file: Path,
    tmp_path: Path,
    serve: Serve,
    monkeypatch: pytest.MonkeyPatch,
) -> Bench:
    monkeypatch.setattr(conditions, "QUIET_SECONDS", 0.05)
    monkeypatch.setattr(conditions, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(idle, "IDLE_PROBES", 10)
    monkeypatch.setattr(idle, "LOSS_PROBES", 50)
    server = MeasuringServer(server_context(authority, tmp_path, "127.0.0.1", mutual=True))
    port = serve(server.handle)
    collector = Collector("127.0.0.1", port, authority_file, identity_file, never)
    return Bench(server, collector, Lease(TOKEN, port, server.cap, method=wire.CAPACITY, streams=4))


def test_the_capacity_of_a_line_is_what_one_stream_and_then_four_agree_on(bench: Bench) -> None:
    bench.server.rate = 500_000
    found, detail = bench.measure()
    for direction in (found.down, found.up):
        # The first blocks wait in the buffers of loopback, which a real line does not have to this extent.
        assert direction.bits_per_second == pytest.approx(4e6, rel=0.1)
        assert direction.streams == 4
        assert not direction.censored
        assert direction.bytes > 900_000
        assert sum(direction.bins) <= direction.bytes
        assert direction.loaded.sent > 10
    assert found.down_bits_per_second == found.down.bits_per_second
    assert found.bytes_moved == found.down.bytes + found.up.bytes
    assert bench.server.asked == ["down"] * 4 + ["up"] * 4
    assert bench.held == ["taken", "released"]
    assert bench.reported == [found]
    assert found.loopback
    assert found.confidence == Line.LOW
    assert "le collecteur est sur ce poste" in detail.lower()
    assert 0 < found.rtt_seconds <= found.rtt_p95_seconds < 1
    assert found.loss.sent == 10
    assert found.conditions.transport == wire.RAW_TLS
    assert found.conditions.family == wire.LineConditions.IPV4
    assert not found.conditions.tls_inspected


@pytest.mark.parametrize(("rate", "stop"), [(1_500_000, wire.PROVEN), (330_000, wire.REFUTED)])
def test_a_line_is_sufficient_when_it_holds_what_the_users_need(
    bench: Bench, rate: float, stop: wire.LineStop.ValueType
) -> None:
    bench.server.rate = rate
    bench.lease = replace(
        bench.lease, method=wire.SUFFICIENCY, down_target_bits_per_second=5e6, user_bits_per_second=2e6
    )
    found, _ = bench.measure()
    assert found.method == wire.SUFFICIENCY
    assert found.down.stop == stop
    assert found.down.target_bits_per_second == 5e6
    assert found.down.censored == (stop == wire.PROVEN)
    # No more is asked than a quarter over the need, whatever the line could give.
    assert found.down.bits_per_second <= 5.2e6
    assert (found.down.bits_per_second >= 4e6) == (stop == wire.PROVEN)
    assert found.down.single_stream_bits_per_second >= 2e6
    # The site asks nothing of the other direction.
    assert not found.HasField("up")
    assert not found.HasField("up_bits_per_second")


def test_where_nobody_knows_the_number_of_users_one_users_rate_is_tried(bench: Bench) -> None:
    bench.lease = replace(bench.lease, method=wire.SUFFICIENCY, user_bits_per_second=2e6)
    found, _ = bench.measure()
    assert found.down.stop == found.up.stop == wire.PROVEN
    assert found.down.streams == found.up.streams == 1
    assert found.bytes_moved < 3_000_000


def test_a_test_of_latency_moves_nothing(bench: Bench) -> None:
    bench.lease = replace(bench.lease, method=wire.LATENCY)
    found, _ = bench.measure()
    assert bench.server.asked == []
    assert (found.loss.sent, found.loss.lost) == (50, 0)
    assert found.loss.low == 0 < found.loss.high < 0.08
    assert not found.HasField("down")


def test_hosts_of_the_plan_are_timed_when_this_machine_is_the_one_to_ask_them(bench: Bench, serve: Serve) -> None:
    port = serve(lambda connection: None)
    targets = (Target("127.0.0.1", port, "dui"), Target("localhost", port, "insi"), Target("", 0, "collector"))
    bench.lease = replace(bench.lease, method=wire.LATENCY)
    bench.plan = Plan(targets, None)
    found, _ = bench.measure()
    towards = {each.towards: each for each in found.idle}
    assert set(towards) == {wire.LineLatency.COLLECTOR, wire.LineLatency.DUI_HOST, wire.LineLatency.NATIONAL_SERVICE}
    assert all(each.median_seconds < 0.5 and each.dns_seconds < 1 for each in towards.values())
    assert towards[wire.LineLatency.DUI_HOST].sent == idle.ELSEWHERE_PROBES
    bench.plan = replace(bench.plan, spared="Un autre poste vérifie les services aujourd'hui.")
    found, _ = bench.measure()
    assert [each.towards for each in found.idle] == [wire.LineLatency.COLLECTOR]


def test_a_measurement_that_the_cap_ended_is_said_to_be(bench: Bench) -> None:
    bench.server.cap, bench.server.rate = 400_000, 1_000_000
    found, detail = bench.measure()
    assert found.censored
    assert found.bytes_moved <= 2 * bench.server.cap
    assert wire.INCOMPLETE in found.flags or wire.BYTE_CAPPED in found.flags
    assert detail


@pytest.mark.parametrize("answer", [b"merci\n", b"{}\n", b'{"at": 1, "bytes": 1e12}\n', b"[1]\n", b"x" * 9000])
def test_an_upload_that_was_not_counted_is_no_figure(bench: Bench, answer: bytes) -> None:
    bench.server.answer, bench.server.cap, bench.server.rate = answer, 400_000, 400_000
    with pytest.raises(ParseError):
        bench.measure()
    assert bench.held == ["taken", "released"]
    assert bench.reported == []


def test_a_lease_taken_back_during_the_test_is_told(bench: Bench) -> None:
    bench.server.problem = "Ce droit de mesurer a pris fin."
    bench.server.rate, bench.server.cap = 400_000, 500_000
    with pytest.raises(Unsupported, match="a pris fin"):
        bench.measure()


def test_a_line_lent_to_another_machine_is_no_figure(bench: Bench) -> None:
    @contextlib.contextmanager
    def busy() -> Iterator[Lease]:
        raise Unsupported("Un autre poste du site mesure la ligne.")
        yield

    host = Host(surroundings=Surroundings(collector=replace(bench.collector, lease=busy)))
    with pytest.raises(Unsupported, match="autre poste"):
        line.observe(host)
    assert bench.server.asked == []


def test_a_collector_that_is_away_is_no_figure(bench: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    bench.collector = replace(bench.collector, port=port)
    with pytest.raises(Unsupported, match="coupée"):
        bench.measure()
    assert bench.held == []


def test_without_a_collector_the_probe_says_what_to_do() -> None:
    with pytest.raises(Unsupported, match="enrôler ce poste"):
        line.observe(Host())


def test_equipment_that_inspects_tls_is_named_and_nothing_is_measured(
    bench: Bench, serve: Serve, tmp_path: Path
) -> None:
    inspected = server_context(Authority.create("Proxy de l'établissement"), tmp_path, "127.0.0.1")

    def inspect(connection: socket.socket) -> None:
        with inspected.wrap_socket(connection, server_side=True) as secured:
            secured.recv(4096)

    bench.collector = replace(bench.collector, port=serve(inspect))
    found, detail = bench.measure()
    assert list(found.flags) == [wire.TLS_INSPECTED]
    assert found.conditions.tls_inspected
    assert found.confidence == Line.LOW
    assert not found.HasField("down_bits_per_second")
    assert "« Essai »" in detail
    assert "ne pas inspecter" in detail
    assert bench.held == []


def test_a_librespeed_server_that_nobody_vouches_for_is_told_by_its_certificate(serve: Serve, tmp_path: Path) -> None:
    context = server_context(Authority.create("Inconnue"), tmp_path, "127.0.0.1")

    def refused(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as secured:
            secured.recv(1)

    with pytest.raises(Unsupported, match=r"ne reconnaît pas le certificat de 127\.0\.0\.1"):
        librespeed.cross_check(Host(), f"https://127.0.0.1:{serve(refused)}/")


PORTAL = b"HTTP/1.1 302 Found\r\nLocation: http://portail.invalid/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
LOGIN = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<HTML><form>Identifiant</form></HTML>"


@pytest.mark.parametrize("page", [PORTAL, LOGIN])
@pytest.mark.parametrize("behind_tls", [False, True])
def test_a_captive_portal_is_recognised_before_anything_is_measured(
    bench: Bench, serve: Serve, tmp_path: Path, page: bytes, behind_tls: bool
) -> None:
    context = server_context(Authority.create("Portail"), tmp_path, "127.0.0.1")

    def answer(connection: socket.socket) -> None:
        stack = contextlib.ExitStack()
        with stack:
            secured = stack.enter_context(context.wrap_socket(connection, server_side=True)) if behind_tls else None
            (secured or connection).recv(4096)
            (secured or connection).sendall(page)

    bench.collector = replace(bench.collector, port=serve(answer))
    found, detail = bench.measure()
    assert list(found.flags) == [wire.CAPTIVE_PORTAL]
    assert "dans un navigateur" in detail
    assert bench.held == []


def test_what_keeps_an_upload_to_itself_on_the_way_is_seen(bench: Bench, serve: Serve) -> None:
    bench.lease = replace(
        bench.lease,
        port=serve(buffering_relay(bench.lease.port, 250_000)),
        method=wire.SUFFICIENCY,
        up_target_bits_per_second=40e6,
        user_bits_per_second=30e6,
    )
    found, detail = bench.measure()
    assert wire.PROXY_BUFFERING in found.flags
    assert found.confidence == Line.LOW
    assert "garde les données" in detail
    # What the far end counted, not what this machine got rid of.
    assert found.up.bits_per_second < 10e6
