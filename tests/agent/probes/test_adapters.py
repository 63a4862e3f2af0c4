"""How Windows and macOS tell their network."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.probes.windows_fixture import FixtureWindows

from prerequis.v1.facts_pb2 import Interface, Network
from prerequis_agent.errors import ParseError
from prerequis_agent.host import CommandResult, Host
from prerequis_agent.macos_network import parse_dhcp, parse_interfaces, parse_route
from prerequis_agent.probes.network import PROBE
from prerequis_agent.windows.adapters import interface_of, number
from prerequis_agent.windows.api import CimValue

_ADAPTER: Mapping[str, CimValue] = {
    "Name": "Ethernet", "InterfaceIndex": 4, "InterfaceType": 6, "NdisPhysicalMedium": 14, "HardwareInterface": True,
    "Hidden": False, "InterfaceOperationalStatus": 1, "Speed": "1000000000", "FullDuplex": True, "MtuSize": 1500,
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, Interface.ETHERNET),
        ({"NdisPhysicalMedium": 9}, Interface.WIFI),
        ({"InterfaceType": 71, "NdisPhysicalMedium": None}, Interface.WIFI),
        ({"NdisPhysicalMedium": 8}, Interface.MOBILE),
        ({"InterfaceType": 131}, Interface.TUNNEL),
        ({"HardwareInterface": False}, Interface.VIRTUAL),
    ],
)
def test_an_adapter_of_windows_has_its_kind(changes: Mapping[str, CimValue], kind: Interface.Kind.ValueType) -> None:
    assert interface_of({**_ADAPTER, **changes}).kind == kind


def test_a_cable_that_is_out_has_no_speed() -> None:
    interface = interface_of({**_ADAPTER, "InterfaceOperationalStatus": 2, "Speed": str(2**63 - 1)})
    assert not interface.up
    assert not interface.HasField("speed_bits_per_second")


def test_the_route_with_the_lowest_metric_is_preferred(tmp_path: Path) -> None:
    rows = [
        {
            "InterfaceIndex": index, "IPEnabled": True, "DHCPEnabled": index == 4, "IPConnectionMetric": metric,
            "DefaultIPGateway": [f"10.0.{index}.1"], "GatewayCostMetric": [0],
        }
        for index, metric in ((9, 50), (4, 25))
    ]  # fmt: skip
    classes = {"root/cimv2:Win32_NetworkAdapterConfiguration": rows, "root/StandardCimv2:MSFT_NetAdapter": [_ADAPTER]}
    facts = PROBE.observe(Host(tmp_path, "win32", windows=FixtureWindows({"cim": classes}))).facts
    assert isinstance(facts, Network)
    assert list(facts.gateways.addresses) == ["10.0.4.1", "10.0.9.1"]
    assert facts.dhcp
    assert facts.interfaces[0].carries_default_route


def test_a_mac_without_a_route_has_no_gateway_and_a_silent_one_is_not_known(tmp_path: Path) -> None:
    for answer, known in ((CommandResult(1, "", "route: writing to routing socket: not in table\n"), True),
                          (CommandResult(1, "", "error\n"), False)):  # fmt: skip
        facts = PROBE.observe(Host(tmp_path, "darwin", answers={"route -n get default": answer})).facts
        assert isinstance(facts, Network)
        assert facts.HasField("gateways") == known
        assert not facts.gateways.addresses


@given(st.integers(0, 2**64))
def test_a_number_of_64_bits_comes_as_text(value: int) -> None:
    assert number(str(value)) == number(value) == value
    assert number(f"-{value}") is None


@given(st.binary(), st.text())
def test_any_content_is_a_network_or_a_parse_error(content: bytes, text: str) -> None:
    for parse in (parse_interfaces, lambda content: parse_dhcp(content, "en0")):
        with pytest.raises(ParseError):
            parse(content)
    assert parse_route(text) is None
