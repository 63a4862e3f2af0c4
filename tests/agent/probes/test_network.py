import ipaddress
import json
import subprocess
import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.probes.windows_fixture import FixtureWindows

from prerequis.v1.facts_pb2 import Network
from prerequis_agent.errors import ParseError
from prerequis_agent.host import Host
from prerequis_agent.probe import Probe
from prerequis_agent.probes.network import PROBE, Route, parse_ipv4_routes, parse_ipv6_routes, parse_resolvers

_ZEROS = "0" * 32


def _ip(*argv: str) -> list[dict[str, object]]:
    answer = subprocess.run(["ip", "-j", *argv], capture_output=True, check=True, text=True).stdout
    found: list[dict[str, object]] = json.loads(answer or "[]")
    return found


def test_each_machine_shows_its_network(check: Callable[[Probe], None]) -> None:
    check(PROBE)


def test_the_interfaces_are_those_of_ip_addr() -> None:
    facts = PROBE.observe(Host()).facts
    assert isinstance(facts, Network)
    expected = {
        link["ifname"]: (link["mtu"], link["operstate"] == "UP")
        for link in _ip("addr")
        if link["link_type"] != "loopback" and link["operstate"] != "UNKNOWN"
    }
    seen = {interface.name: (interface.mtu, interface.up) for interface in facts.interfaces}
    assert {name: seen[str(name)] for name in expected} == expected
    assert "lo" not in seen


def test_the_gateways_are_those_of_ip_route() -> None:
    facts = PROBE.observe(Host()).facts
    assert isinstance(facts, Network)
    routes = [*_ip("-4", "route", "show", "default"), *_ip("-6", "route", "show", "default")]
    assert list(facts.gateways.addresses) == [route["gateway"] for route in routes if "gateway" in route]
    assert [interface.name for interface in facts.interfaces if interface.carries_default_route] == [
        route["dev"] for route in routes[:1]
    ]


def test_a_windows_without_cim_gives_the_interfaces_that_psutil_knows() -> None:
    seen = PROBE.observe(Host(platform="win32", windows=FixtureWindows({})))
    live = PROBE.observe(Host())
    assert isinstance(seen.facts, Network) and isinstance(live.facts, Network)
    assert [interface.name for interface in seen.facts.interfaces] == [
        interface.name for interface in live.facts.interfaces
    ]
    assert "Passerelles" in seen.detail


@given(st.ip_addresses(v=4), st.integers(0, 2**31 - 1))
def test_an_ipv4_gateway_is_read_in_the_byte_order_of_the_machine(address: ipaddress.IPv4Address, metric: int) -> None:
    number = int.from_bytes(address.packed, sys.byteorder)
    table = f"Iface\tDestination\neth0\t00000000\t{number:08X}\t0003\t0\t0\t{metric}\t00000000\t0\t0\t0\n"
    assert parse_ipv4_routes(table) == [Route("eth0", str(address) if int(address) else None, metric)]


@given(st.lists(st.integers(0, 2**32 - 1), max_size=5))
def test_the_preferred_ipv6_route_comes_first(metrics: list[int]) -> None:
    table = "".join(
        f"{_ZEROS} 00 {_ZEROS} 00 fe80{number:028x} {metric:08x} 00000001 00000000 00000003 eth0\n"
        for number, metric in enumerate(metrics)
    )
    assert [route.metric for route in parse_ipv6_routes(table)] == sorted(metrics)


def test_a_refused_route_or_one_to_a_network_leads_nowhere_by_default() -> None:
    unreachable = f"{_ZEROS} 00 {_ZEROS} 00 {_ZEROS} ffffffff 00000001 00000000 00200200 lo\n"
    network = f"fd00{'0' * 28} 40 {_ZEROS} 00 {_ZEROS} 00000100 00000001 00000000 00000001 eth0\n"
    assert parse_ipv6_routes(unreachable + network) == []


@pytest.mark.parametrize(
    ("text", "resolvers"),
    [
        ("nameserver 10.0.0.1\nnameserver 10.0.0.1\n", ["10.0.0.1"]),
        ("nameserver fe80::1%eth0\n", ["fe80::1"]),
        ("# nameserver 10.0.0.1\n; nameserver 10.0.0.2\nnameserver\nnameserver routeur\n", []),
        ("  nameserver\t2001:DB8::53  # bureau\n", ["2001:db8::53"]),
    ],
)
def test_resolvers_are_read_as_the_c_library_reads_them(text: str, resolvers: list[str]) -> None:
    assert parse_resolvers(text) == resolvers


@given(st.text() | st.text("nameserver 0123456789abcdef:.\t\n%"))
def test_any_text_is_facts_or_a_parse_error(text: str) -> None:
    parse_resolvers(text)
    for parse in (parse_ipv4_routes, parse_ipv6_routes):
        try:
            parse(f"header\n{text}" if parse is parse_ipv4_routes else text)
        except ParseError as problem:
            assert str(problem).endswith(".")
