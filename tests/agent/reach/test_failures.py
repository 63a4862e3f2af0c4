"""Each way in which a service is not reached has its own name, told from servers that fail so."""

import select
import socket
import ssl
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.conftest import Authority, Serve, private_pem, server_context
from tests.agent.reach.stage import (
    Stage,
    closed_port,
    crl,
    http_answer,
    http_server,
    ocsp_refusal,
    read_request,
    reset,
    tls_server,
)

from prerequis.v1.facts_pb2 import Endpoint
from prerequis.v1.services_pb2 import CRL, MUTUAL_TLS, OCSP, TCP, ServiceProtocol
from prerequis_agent.reach import asking
from prerequis_agent.reach.proxied import WebProxy, parse_proxy
from prerequis_agent.reach.revocation import Answer
from prerequis_agent.surroundings import Target

PORTAL = http_answer("302 Found", Location="http://portail.test/accueil")
PAGE = b"<html>Site interdit</html>"


@pytest.fixture
def stage(authority: Authority) -> Stage:
    return Stage(authority)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what answers take its time on a busy machine."""
    monkeypatch.setattr(asking, "STEP_SECONDS", 30.0)


def dated_context(authority: Authority, folder: Path, begins: timedelta, ends: timedelta) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = authority.sign(key.public_key(), [x509.DNSName("host.test")], begins, ends)
    path = folder / "dated.pem"
    path.write_bytes(private_pem(key) + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


# Name and TCP.


def test_a_name_that_the_resolver_does_not_know_is_not_found(stage: Stage) -> None:
    endpoint = stage.ask(Target("absent.test", 443, "psc"))
    assert (endpoint.reachable, endpoint.failure) == (False, Endpoint.NAME_NOT_FOUND)
    assert not endpoint.HasField("ipv4")


def test_a_refusal_is_told_for_its_address_family(stage: Stage) -> None:
    endpoint = stage.ask(Target("host.test", closed_port(), "psc"))
    assert (endpoint.reachable, endpoint.failure) == (False, Endpoint.REFUSED)
    assert (endpoint.ipv4.reachable, endpoint.ipv4.failure) == (False, Endpoint.REFUSED)
    assert not endpoint.HasField("ipv6")


def test_a_filter_that_says_nothing_is_a_timeout(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "STEP_SECONDS", 0.5)
    # A listener whose queue is full answers no more, as a filter that drops.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        assert select.select([], waiting[:1], [], 60)[1]
        endpoint = stage.ask(Target("host.test", port, "psc"))
        for one in waiting:
            one.close()
    assert (endpoint.reachable, endpoint.failure) == (False, Endpoint.TIMED_OUT)


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6 on its loopback")
def test_an_address_family_that_leads_nowhere_is_told_beside_the_one_that_does(stage: Stage, serve: Serve) -> None:
    stage.names["host.test"] = ["::1", "127.0.0.1"]
    endpoint = stage.ask(Target("host.test", serve(lambda connection: None), "ldap", TCP))
    assert (endpoint.reachable, endpoint.failure) == (True, Endpoint.NONE)
    assert (endpoint.ipv6.reachable, endpoint.ipv6.failure) == (False, Endpoint.REFUSED)
    assert endpoint.ipv4.reachable
    assert endpoint.connect_seconds == endpoint.ipv4.connect_seconds


# TLS.


def test_a_reset_in_the_handshake_is_a_failure_of_tls(stage: Stage, serve: Serve) -> None:
    assert stage.ask(Target("host.test", serve(reset), "psc")).failure == Endpoint.TLS_FAILED


@pytest.mark.parametrize(
    ("begins", "ends", "fault"),
    [
        (timedelta(days=-90), timedelta(days=-1), Endpoint.EXPIRED),
        (timedelta(days=1), timedelta(days=90), Endpoint.NOT_YET_VALID),
    ],
    ids=["expired", "not yet valid"],
)
def test_a_certificate_out_of_its_dates_is_not_trusted(
    stage: Stage, serve: Serve, tmp_path: Path, begins: timedelta, ends: timedelta, fault: int
) -> None:
    context = dated_context(stage.authority, tmp_path, begins, ends)
    endpoint = stage.ask(Target("host.test", tls_server(serve, context), "psc"))
    assert (endpoint.failure, endpoint.certificate_fault) == (Endpoint.TLS_NOT_TRUSTED, fault)
    assert endpoint.issuer == "Essai, Autorité d'essai"


def test_a_certificate_of_another_host_has_the_wrong_name(stage: Stage, serve: Serve, tmp_path: Path) -> None:
    port = tls_server(serve, server_context(stage.authority, tmp_path, "other.test"))
    endpoint = stage.ask(Target("host.test", port, "psc"))
    assert (endpoint.failure, endpoint.certificate_fault) == (Endpoint.TLS_NOT_TRUSTED, Endpoint.WRONG_NAME)


def test_an_inspection_that_the_machine_does_not_trust_names_its_authority(
    stage: Stage, serve: Serve, tmp_path: Path
) -> None:
    port = tls_server(serve, server_context(Authority.create("Pare-feu"), tmp_path, "host.test"))
    endpoint = stage.ask(Target("host.test", port, "psc"))
    assert (endpoint.failure, endpoint.certificate_fault) == (Endpoint.TLS_NOT_TRUSTED, Endpoint.UNKNOWN_AUTHORITY)
    assert endpoint.issuer == "Essai, Pare-feu"
    assert not endpoint.HasField("public_authority")


@pytest.mark.parametrize("known", [True, False], ids=["public", "private"])
def test_an_inspection_that_the_machine_trusts_is_told_from_a_public_authority(
    stage: Stage, serve: Serve, tmp_path: Path, known: bool
) -> None:
    public = stage.authority if known else Authority.create("Autorité publique")
    stage.public = ssl.create_default_context(cadata=public.pem.decode())
    endpoint = stage.ask(
        Target("host.test", tls_server(serve, server_context(stage.authority, tmp_path, "host.test")), "psc")
    )
    assert endpoint.reachable
    assert endpoint.public_authority is known
    assert endpoint.issuer == "Essai, Autorité d'essai"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_host_that_wants_a_certificate_is_reached_when_it_asks_for_one(
    stage: Stage, serve: Serve, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    context = server_context(stage.authority, tmp_path, "host.test", mutual=True)
    context.minimum_version = context.maximum_version = version
    stage.public = ssl.create_default_context(cadata=stage.authority.pem.decode())
    endpoint = stage.ask(Target("host.test", tls_server(serve, context), "insi", MUTUAL_TLS))
    assert (endpoint.reachable, endpoint.failure) == (True, Endpoint.NONE)
    assert endpoint.public_authority


# Revocation, over plain HTTP.


def test_a_list_and_an_answer_of_the_right_kind_are_reached(stage: Stage, serve: Serve) -> None:
    asked: list[bytes] = []
    lists = http_server(serve, http_answer("200 OK", crl(stage.authority)), asked)
    endpoint = stage.ask(Target("host.test", lists, "revocation", CRL, "/CRL/ACR-EL.crl"))
    assert (endpoint.reachable, endpoint.failure, endpoint.http_status) == (True, Endpoint.NONE, 200)
    responder = http_server(serve, http_answer("200 OK", ocsp_refusal()), asked)
    assert stage.ask(Target("host.test", responder, "revocation", OCSP)).reachable
    assert asked[0].startswith(b"GET /CRL/ACR-EL.crl HTTP/1.1\r\n")
    assert asked[1].startswith(b"POST / HTTP/1.1\r\n")
    assert b"Content-Type: application/ocsp-request" in asked[1]


@pytest.mark.parametrize(
    ("protocol", "answer", "failure"),
    [
        (CRL, PORTAL, Endpoint.CAPTIVE_PORTAL),
        (OCSP, PORTAL, Endpoint.CAPTIVE_PORTAL),
        (CRL, http_answer("511 Network Authentication Required", PAGE), Endpoint.CAPTIVE_PORTAL),
        (CRL, http_answer("200 OK", PAGE), Endpoint.WRONG_ANSWER),
        (CRL, http_answer("404 Not Found", PAGE), Endpoint.WRONG_ANSWER),
        (OCSP, http_answer("200 OK", b"\x30\x03garbage"), Endpoint.WRONG_ANSWER),
        (OCSP, http_answer("200 OK"), Endpoint.WRONG_ANSWER),
        (CRL, b"220 bonjour\r\n", Endpoint.WRONG_ANSWER),
        (OCSP, b"", Endpoint.CUT),
    ],
    ids=["portal/crl", "portal/ocsp", "511", "page", "404", "garbage", "empty", "not http", "cut"],
)
def test_what_answers_in_the_place_of_a_revocation_service_is_recognised(
    stage: Stage, serve: Serve, protocol: ServiceProtocol.ValueType, answer: bytes, failure: int
) -> None:
    endpoint = stage.ask(Target("host.test", http_server(serve, answer), "revocation", protocol))
    assert (endpoint.reachable, endpoint.failure) == (False, failure)


@pytest.mark.parametrize(
    "answer", [http_answer("400 Bad Request"), http_answer("301 Moved", Location="https://host.test/")]
)
def test_an_answer_that_proves_nothing_of_a_responder_leaves_it_unknown(
    stage: Stage, serve: Serve, answer: bytes
) -> None:
    endpoint = stage.ask(Target("host.test", http_server(serve, answer), "revocation", OCSP))
    assert not endpoint.HasField("reachable")
    assert endpoint.http_status in (400, 301)


def test_a_reset_before_the_answer_is_a_cut(stage: Stage, serve: Serve) -> None:
    assert stage.ask(Target("host.test", serve(reset), "revocation", CRL)).failure == Endpoint.CUT


@given(
    st.integers(100, 599),
    st.text(max_size=30) | st.sampled_from(["http://[", "//[x"]),
    st.binary(max_size=200),
    st.booleans(),
)
def test_any_answer_of_a_revocation_service_has_a_meaning(status: int, place: str, body: bytes, proxied: bool) -> None:
    for protocol in (CRL, OCSP):
        failure = Answer("http://host.test/list", proxied, status, place, body).failure(protocol)
        assert failure != Endpoint.NONE


# Through the system's proxy.


def proxy_server(serve: Serve, answer: bytes, asked: list[bytes] | None = None, inside: int = 0) -> WebProxy:
    """A proxy that gives an answer and, when there is an `inside`, a tunnel to that port of the loopback."""

    def handle(connection: socket.socket) -> None:
        request = read_request(connection)
        if asked is not None:
            asked.append(request)
        connection.sendall(answer)
        if inside:
            with socket.create_connection(("127.0.0.1", inside)) as onward:
                relay(connection, onward)

    return WebProxy("proxy.test", serve(handle), "Basic bW90")


def relay(one: socket.socket, other: socket.socket) -> None:
    def pump(source: socket.socket, sink: socket.socket) -> None:
        try:
            while content := source.recv(65536):
                sink.sendall(content)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return

    back = threading.Thread(target=pump, args=(other, one), daemon=True)
    back.start()
    pump(one, other)
    back.join(2)


@pytest.fixture
def behind(stage: Stage) -> Stage:
    """A machine whose own resolver knows the proxy alone."""
    stage.names = {"proxy.test": ["127.0.0.1"]}
    return stage


def test_a_service_is_reached_through_the_proxy_which_knows_its_name(
    behind: Stage, serve: Serve, tmp_path: Path
) -> None:
    asked: list[bytes] = []
    behind.public = ssl.create_default_context(cadata=behind.authority.pem.decode())
    inside = tls_server(serve, server_context(behind.authority, tmp_path, "host.test"))
    proxy = proxy_server(serve, b"HTTP/1.1 200 Connection established\r\n\r\n", asked, inside)
    endpoint = behind.ask(Target("host.test", 443, "psc"), proxy)
    assert (endpoint.reachable, endpoint.through_proxy, endpoint.public_authority) == (True, True, True)
    assert not endpoint.HasField("name_seconds")
    assert 0 < endpoint.connect_seconds < asking.STEP_SECONDS
    assert asked[0].startswith(b"CONNECT host.test:443 HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic bW90\r\n" in asked[0]


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        ("407 Proxy Authentication Required", Endpoint.PROXY_REFUSED),
        ("403 Forbidden", Endpoint.PROXY_REFUSED),
        ("502 Bad Gateway", Endpoint.UNREACHABLE),
        ("504 Gateway Timeout", Endpoint.UNREACHABLE),
    ],
)
def test_a_proxy_that_does_not_pass_on_says_why(behind: Stage, serve: Serve, status: str, failure: int) -> None:
    proxy = proxy_server(serve, http_answer(status))
    endpoint = behind.ask(Target("host.test", 443, "psc"), proxy)
    assert (endpoint.reachable, endpoint.failure, endpoint.http_status) == (False, failure, int(status[:3]))
    endpoint = behind.ask(Target("host.test", 80, "revocation", CRL), proxy)
    assert (endpoint.reachable, endpoint.failure, endpoint.http_status) == (False, failure, int(status[:3]))


@pytest.mark.parametrize(
    ("name", "place"),
    [("host.test", b"host.test"), ("2001:db8::1", b"[2001:db8::1]"), ("hôte.test", b"xn--hte-kna.test")],
)
def test_a_list_is_asked_of_the_proxy_by_its_whole_address(
    behind: Stage, serve: Serve, name: str, place: bytes
) -> None:
    asked: list[bytes] = []
    proxy = proxy_server(serve, http_answer("200 OK", crl(behind.authority)), asked)
    assert behind.ask(Target(name, 80, "revocation", CRL, "/list.crl"), proxy).reachable
    assert asked[0].startswith(b"GET http://" + place + b":80/list.crl HTTP/1.1\r\n")


def test_any_success_of_a_proxy_opens_the_tunnel(behind: Stage, serve: Serve, tmp_path: Path) -> None:
    inside = tls_server(serve, server_context(behind.authority, tmp_path, "host.test"))
    proxy = proxy_server(serve, b"HTTP/1.1 201 Tunnel\r\n\r\n", [], inside)
    assert behind.ask(Target("host.test", 443, "psc"), proxy).reachable


@pytest.mark.parametrize("protocol", [MUTUAL_TLS, CRL])
def test_a_proxy_that_does_not_answer_is_told_from_a_service_that_does_not(
    behind: Stage, protocol: ServiceProtocol.ValueType
) -> None:
    endpoint = behind.ask(Target("host.test", 443, "psc", protocol), WebProxy("proxy.test", closed_port()))
    assert (endpoint.reachable, endpoint.failure) == (False, Endpoint.PROXY_UNREACHABLE)


@pytest.mark.parametrize(
    ("text", "proxy"),
    [
        ("http://proxy.test:3128", WebProxy("proxy.test", 3128)),
        ("proxy.test:3128/", WebProxy("proxy.test", 3128)),
        ("proxy.test", WebProxy("proxy.test", 8080)),
        ("http://mot:passe%20x@192.0.2.1:80", WebProxy("192.0.2.1", 80, "Basic bW90OnBhc3NlIHg=")),
        ("http://[2001:db8::1]:80", WebProxy("2001:db8::1", 80)),
        ("", None),
        ("http://proxy.test:port", None),
        ("http://pro xy.test:80", None),
    ],
)
def test_a_proxy_is_read_from_its_setting(text: str, proxy: WebProxy | None) -> None:
    assert parse_proxy(text) == proxy


@given(st.text())
def test_any_setting_of_a_proxy_names_one_or_none(text: str) -> None:
    proxy = parse_proxy(text)
    assert proxy is None or proxy.host
