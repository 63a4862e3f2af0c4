"""Every national service that the knowledge names is played on loopback, and reached in the way that it asks for."""

import ssl
from pathlib import Path

import pytest
from tests.agent.conftest import Authority, Serve, server_context
from tests.agent.reach.stage import Stage, StageHost, crl, http_answer, http_server, ocsp_refusal, tls_server

from prerequis.v1.facts_pb2 import Endpoint, Services
from prerequis.v1.services_pb2 import CRL, MUTUAL_TLS, OCSP, TCP, ServiceProtocol
from prerequis_agent.probes import services
from prerequis_agent.surroundings import Plan, Surroundings, Target
from prerequis_rules.knowledge import NationalService
from prerequis_rules.load import load_knowledge

SERVICES = load_knowledge().services


def play(service: NationalService, authority: Authority, folder: Path, serve: Serve) -> int:
    match service.protocol:
        case ServiceProtocol.CRL:
            return http_server(serve, http_answer("200 OK", crl(authority)))
        case ServiceProtocol.OCSP:
            return http_server(serve, http_answer("200 OK", ocsp_refusal()))
        case ServiceProtocol.TCP:
            return serve(lambda connection: None)
    mutual = service.protocol == MUTUAL_TLS
    return tls_server(serve, server_context(authority, folder, service.host, mutual=mutual))


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.host)
def test_a_national_service_is_reached_as_it_asks(
    service: NationalService, authority: Authority, tmp_path: Path, serve: Serve
) -> None:
    port = play(service, authority, tmp_path, serve)
    public = ssl.create_default_context(cadata=authority.pem.decode())
    stage = Stage(authority, {service.host: ["127.0.0.1"]}, {service.port: port}, public)
    target = Target(service.host, service.port, service.purpose, service.protocol, service.path)
    endpoint = stage.ask(target)
    assert (endpoint.reachable, endpoint.failure) == (True, Endpoint.NONE)
    assert (endpoint.host, endpoint.port, endpoint.purpose) == (service.host, service.port, service.purpose)
    assert endpoint.HasField("public_authority") == (service.protocol not in (CRL, OCSP, TCP))


def test_all_are_asked_at_once_and_each_has_its_own_fate(
    authority: Authority,
    authority_file: Path,
    tmp_path: Path,
    serve: Serve,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The whole matrix through the probe: one host is not in the DNS, all others are reached."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority_file))
    lost = SERVICES[0]
    names = {service.host: ["127.0.0.1"] for service in SERVICES if service is not lost}
    targets = [Target(lost.host, lost.port, lost.purpose)]
    targets += [
        Target(one.host, play(one, authority, tmp_path, serve), one.purpose, one.protocol, one.path)
        for one in SERVICES
        if one is not lost
    ]
    host = StageHost(names)
    host.surroundings = Surroundings(Plan(tuple(targets), None))
    found = services.observe(host)
    assert isinstance(found.facts, Services)
    assert [endpoint.host for endpoint in found.facts.endpoints] == [target.host for target in targets]
    assert [one.host for one in found.facts.endpoints if not one.reachable] == [lost.host]
    assert found.detail == f"Pas joint : {lost.host}:443."
    # The world does not know the authority of these tests.
    assert {one.public_authority for one in found.facts.endpoints if one.HasField("public_authority")} == {False}
