"""The services probe against real servers on loopback: each way of not being reached has its own name."""

import socket
import ssl
import threading
import time
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.agent.conftest import Authority, Serve, server_context

from prerequis.v1.exposure_pb2 import Proxy
from prerequis.v1.facts_pb2 import Endpoint, Services
from prerequis_agent.errors import Unsupported
from prerequis_agent.host import Host
from prerequis_agent.probe import Observation
from prerequis_agent.probes import proxy, services
from prerequis_agent.reach import asking
from prerequis_agent.reach.certificates import issuer
from prerequis_agent.surroundings import Collector, Lease, Plan, Surroundings, Target


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever proxy the machine of these tests is set to use, loopback is reached directly."""
    monkeypatch.setenv("no_proxy", "*")


def no_lease() -> AbstractContextManager[Lease]:
    raise AssertionError("the services probe asks for no lease")


def look(*targets: Target, collector: Collector | None = None) -> list[Endpoint]:
    host = Host(surroundings=Surroundings(Plan(targets, None), collector))
    facts = services.observe(host).facts
    assert isinstance(facts, Services)
    return list(facts.endpoints)


def tls(context: ssl.SSLContext, serve: Serve, got: list[bytes] | None = None) -> int:
    def handle(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            received = secured.recv(100)
            if got is not None:
                got.append(received)

    return serve(handle)


@pytest.fixture
def trusted(authority_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine trusts the CA of these tests."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority_file))


@pytest.mark.usefixtures("trusted")
def test_a_trusted_server_is_reachable_and_gets_no_request(authority: Authority, tmp_path: Path, serve: Serve) -> None:
    got: list[bytes] = []
    port = tls(server_context(authority, tmp_path, "localhost"), serve, got)
    (endpoint,) = look(Target("localhost", port, "dui"))
    assert endpoint.reachable
    assert endpoint.failure == Endpoint.NONE
    assert (endpoint.host, endpoint.port, endpoint.purpose) == ("localhost", port, "dui")
    assert endpoint.tls_version == "TLSv1.3"
    assert endpoint.issuer == "Essai, Autorité d'essai"
    assert endpoint.HasField("name_seconds")
    assert 0 < endpoint.connect_seconds < 3
    assert 0 < endpoint.handshake_seconds < 3
    ends = time.monotonic() + 30
    while not got and time.monotonic() < ends:
        time.sleep(0.02)
    assert got == [b""]


def test_a_server_of_an_unknown_authority_is_not_trusted_and_names_it(tmp_path: Path, serve: Serve) -> None:
    proxy = Authority.create("Proxy filtrant")
    (endpoint,) = look(Target("localhost", tls(server_context(proxy, tmp_path, "localhost"), serve), "dui"))
    assert not endpoint.reachable
    assert endpoint.failure == Endpoint.TLS_NOT_TRUSTED
    assert endpoint.issuer == "Essai, Proxy filtrant"
    assert endpoint.HasField("connect_seconds")
    assert not endpoint.HasField("tls_version")


@pytest.mark.usefixtures("trusted")
def test_a_certificate_of_another_host_is_not_trusted(authority: Authority, tmp_path: Path, serve: Serve) -> None:
    (endpoint,) = look(Target("localhost", tls(server_context(authority, tmp_path, "other.test"), serve), "dui"))
    assert endpoint.failure == Endpoint.TLS_NOT_TRUSTED


def test_a_server_without_tls_fails_the_handshake(serve: Serve) -> None:
    port = serve(lambda connection: connection.sendall(b"220 bonjour\r\n"))
    (endpoint,) = look(Target("localhost", port, "dui"))
    assert endpoint.failure == Endpoint.TLS_FAILED


def test_a_connection_cut_in_the_handshake_fails_it(serve: Serve) -> None:
    (endpoint,) = look(Target("localhost", serve(lambda connection: None), "dui"))
    assert endpoint.failure == Endpoint.TLS_FAILED


def test_a_closed_port_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    (endpoint,) = look(Target("127.0.0.1", port, "dui"))
    assert endpoint.failure == Endpoint.REFUSED
    assert not endpoint.HasField("connect_seconds")


def test_an_unknown_name_is_not_found() -> None:
    (endpoint, empty) = look(Target("nowhere.invalid", 443, "dui"), Target("a..b", 443, "dui"))
    assert endpoint.failure == Endpoint.NAME_NOT_FOUND
    assert empty.failure == Endpoint.NAME_NOT_FOUND


def test_a_silent_server_times_out_without_delaying_the_others(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "STEP_SECONDS", 1.0)
    over = threading.Event()

    def say_nothing(connection: socket.socket) -> None:
        over.wait(60)

    silent = serve(say_nothing)
    started = time.monotonic()
    endpoints = look(*(Target("127.0.0.1", silent, "dui") for _ in range(12)))
    # One after the other, they would take twelve seconds.
    assert time.monotonic() - started < 10
    over.set()
    assert [endpoint.failure for endpoint in endpoints] == [Endpoint.TIMED_OUT] * 12


def test_a_server_that_drips_is_late_and_hides_no_other(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "WHOLE_SECONDS", 2.0)

    def drip(connection: socket.socket) -> None:
        # A TLS record of 100 bytes, one byte at a time.
        for byte in b"\x16\x03\x03\x00\x64" + bytes(100):
            connection.sendall(bytes([byte]))
            time.sleep(0.1)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = listener.getsockname()[1]
    endpoints = look(Target("127.0.0.1", serve(drip), "dui"), Target("127.0.0.1", closed, "insi"))
    assert [endpoint.failure for endpoint in endpoints] == [Endpoint.TIMED_OUT, Endpoint.REFUSED]


def test_the_collector_is_checked_against_its_own_authority(
    authority: Authority, authority_file: Path, tmp_path: Path, serve: Serve
) -> None:
    port = tls(server_context(authority, tmp_path, "localhost"), serve)
    collector = Collector("localhost", port, authority_file, tmp_path / "none", no_lease)
    by_name, by_default = look(Target("localhost", port, "collector"), Target("", 0, "collector"), collector=collector)
    assert by_name.reachable
    assert by_default == by_name or by_default.reachable
    assert (by_default.host, by_default.port) == ("localhost", port)


def test_the_detail_names_what_was_not_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    host = Host(surroundings=Surroundings(Plan((Target("127.0.0.1", port, "dui"),), None)))
    assert services.observe(host).detail == f"Pas joint : 127.0.0.1:{port}."


@pytest.mark.parametrize("by_script", [True, False])
def test_a_script_that_chooses_the_proxy_is_told_where_a_host_was_not_reached(
    monkeypatch: pytest.MonkeyPatch, by_script: bool
) -> None:
    found = Observation(Proxy(configured=False, automatic_script=by_script))
    monkeypatch.setattr(proxy, "PROBE", replace(proxy.PROBE, observe=lambda host: found))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    host = Host(surroundings=Surroundings(Plan((Target("127.0.0.1", port, "dui"),), None)))
    seen = services.observe(host)
    assert isinstance(seen.facts, Services)
    # Nothing found is not known, for a script may come from elsewhere.
    assert (seen.facts.HasField("automatic_script"), seen.facts.automatic_script) == (by_script, by_script)
    assert ("régler ce mandataire aussi pour le système" in seen.detail) is by_script


def test_without_a_plan_the_probe_says_what_to_do() -> None:
    with pytest.raises(Unsupported, match="enrôler ce poste"):
        services.observe(Host())


def test_a_machine_that_was_not_elected_asks_nobody_and_says_so() -> None:
    plan = Plan((Target("localhost", 443, "dui"),), None, spared="Un autre poste du site vérifie les services.")
    with pytest.raises(Unsupported, match="Un autre poste"):
        services.observe(Host(surroundings=Surroundings(plan)))


def test_a_certificate_that_is_not_one_names_no_issuer() -> None:
    assert issuer(b"nonsense") == ""
