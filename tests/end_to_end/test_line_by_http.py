"""The agent's measurement over HTTP, to the collector's own endpoints and to what may stand in their place."""

import http.server
import socket
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.bench.link.far_end import identities

from prerequis.v1 import line_pb2 as wire
from prerequis_agent.errors import Unsupported
from prerequis_agent.host import Host
from prerequis_agent.line import cross_check, idle, librespeed
from prerequis_agent.line.conditions import Attachment, Quiet
from prerequis_agent.line.measure import Before, measure
from prerequis_agent.line.way import Obstructed, Way
from prerequis_agent.surroundings import Collector, Lease, Surroundings, Tools
from prerequis_collector.config import Address
from prerequis_collector.line_http import LineHttp
from prerequis_collector.line_server import LineServer, http_context, server_context
from prerequis_collector.services import lease as leasing

BEFORE = Before(Way("127.0.0.1", "127.0.0.1", 0.001, 0.001), Attachment(), Quiet())


@dataclass
class Far:
    """A collector's byte ports, under one lease of an agent."""

    collector: Collector
    lease: Lease
    kept: leasing.Lease


@pytest.fixture
def far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Far]:
    monkeypatch.setattr(idle, "IDLE_PROBES", 5)
    identities(tmp_path)
    leases = leasing.Leases()
    kept = leasing.Lease("one", "mesure", 3_000_000)
    leases.give(kept)
    files = [str(tmp_path / name) for name in ("server.pem", "server.key", "authority.pem")]
    raw = LineServer(Address("127.0.0.1", 0), server_context(*files), leases)
    web = LineHttp(Address("127.0.0.1", 0), http_context(*files[:2]), leases)
    lease = Lease(kept.token, raw.address.port, 3_000_000, method=wire.CAPACITY, streams=2, http_port=web.address.port)
    agent = tmp_path / "one.pem"
    yield Far(
        Collector("127.0.0.1", raw.address.port, tmp_path / "authority.pem", agent, lambda: nullcontext(lease)),
        lease,
        kept,
    )
    raw.close()
    web.close()


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_the_collectors_own_raw_port_is_preferred(far: Far) -> None:
    line, _ = measure(Host(), far.collector, far.lease, BEFORE)
    assert line.conditions.transport == wire.RAW_TLS
    assert line.down.bytes > 100_000
    assert line.up.bytes > 100_000
    assert far.kept.bytes_moved >= line.bytes_moved


def test_where_the_raw_port_is_closed_the_bytes_travel_by_http(far: Far) -> None:
    from dataclasses import replace

    line, _ = measure(Host(), far.collector, replace(far.lease, port=closed_port()), BEFORE)
    assert line.conditions.transport == wire.LIBRESPEED
    for direction in (line.down, line.up):
        assert direction.bits_per_second > 1e6
        assert direction.bytes > 100_000
    assert far.kept.bytes_moved >= line.bytes_moved


def test_a_token_that_lives_no_more_is_refused_in_french(far: Far) -> None:
    from dataclasses import replace

    dead = replace(far.lease, port=closed_port(), token=bytes(16))
    with pytest.raises(Unsupported, match="refuse la mesure"):
        measure(Host(), far.collector, dead, BEFORE)


class Page(http.server.BaseHTTPRequestHandler):
    """Answers everything as a portal does."""

    status, body = 200, b"<html>Connexion</html>"

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class Redirect(Page):
    status, body = 302, b""


class Absent(Page):
    status, body = 404, b""


@pytest.fixture(params=[Page, Redirect, Absent])
def portal(request: pytest.FixtureRequest) -> Iterator[tuple[type[Page], str]]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), request.param)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield request.param, f"http://127.0.0.1:{server.server_port}/backend"
    server.shutdown()
    server.server_close()


def test_a_login_page_in_the_place_of_librespeed_is_a_captive_portal(portal: tuple[type[Page], str]) -> None:
    kind, url = portal
    with pytest.raises(Unsupported) as refused:
        librespeed.cross_check(Host(), url)
    assert isinstance(refused.value, Obstructed) == (kind is not Absent)
    assert ("dans un navigateur" in str(refused.value)) == (kind is not Absent)


@pytest.mark.parametrize("url", ["ftp://exemple.invalid/", "n'importe quoi", "http://", "http://x:99999/"])
def test_what_is_no_address_of_a_server_is_said_to_be_none(url: str) -> None:
    host = Host(surroundings=Surroundings(tools=Tools(librespeed=url)))
    (found,) = cross_check.cross_checks(host, lambda: None)
    assert found.tool == wire.LIBRESPEED
    assert url in found.problem
    assert not found.HasField("down_bits_per_second")


def test_tools_that_find_nobody_say_so_and_keep_the_lease_alive() -> None:
    renewed: list[None] = []
    tools = Tools(librespeed=f"http://127.0.0.1:{closed_port()}/", iperf3=f"127.0.0.1:{closed_port()}")
    host = Host(surroundings=Surroundings(tools=tools))
    found = list(cross_check.cross_checks(host, lambda: renewed.append(None)))
    assert [each.tool for each in found] == [wire.LIBRESPEED, wire.IPERF3]
    assert all(each.problem.endswith(".") for each in found)
    assert len(renewed) == 2
