"""Reads how Windows is attached to the network, from the numbers of CIM; any account may ask."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from prerequis.v1.facts_pb2 import Addresses, Interface, Network
from prerequis_agent.attributes import fill
from prerequis_agent.errors import Unsupported
from prerequis_agent.host import Host
from prerequis_agent.windows.api import CimValue

_STANDARD = "root/StandardCimv2"
_ADAPTER = (
    "Name", "InterfaceIndex", "InterfaceType", "NdisPhysicalMedium", "HardwareInterface", "Hidden",
    "InterfaceOperationalStatus", "Speed", "FullDuplex", "MtuSize",
)  # fmt: skip
_CONFIGURATION = (
    "InterfaceIndex", "DefaultIPGateway", "GatewayCostMetric", "IPConnectionMetric", "DNSServerSearchOrder",
    "DHCPEnabled",
)  # fmt: skip
_RESOLVERS = ("InterfaceIndex", "ServerAddresses")

ADAPTER_CLASSES = (
    f"{_STANDARD}:MSFT_NetAdapter",
    f"{_STANDARD}:MSFT_DNSClientServerAddress",
    "root/cimv2:Win32_NetworkAdapterConfiguration",
)
"""What is asked."""

Row = Mapping[str, CimValue]

# IF_TYPE_ of ipifcons.h and NDIS_PHYSICAL_MEDIUM of ntddndis.h.
_LOOPBACK, _IF_UP = 24, 1
_BY_MEDIUM = {1: Interface.WIFI, 9: Interface.WIFI, 8: Interface.MOBILE}
_BY_TYPE = {
    71: Interface.WIFI, 243: Interface.MOBILE, 244: Interface.MOBILE, 23: Interface.TUNNEL, 131: Interface.TUNNEL,
}  # fmt: skip
_ETHERNET = 6
# What Windows shows of the rate of an interface that is down.
_NO_SPEED = 2**63 - 1
# The site-local addresses that Windows gives to an interface without an IPv6 resolver (RFC 3879 retired them).
_PLACEHOLDER = "fec0:"


def fill_network(host: Host, facts: Network) -> None:
    """Set everything that Windows says of its network; raises NotPermitted or Unsupported when CIM does not answer."""
    rows = host.cim("root/cimv2", "Win32_NetworkAdapterConfiguration", *_CONFIGURATION, where={"IPEnabled": True})
    configured = sorted(rows, key=lambda row: number(row["IPConnectionMetric"]) or 0)
    gateways = sorted(_gateways(configured))
    preferred = gateways[0][1] if gateways else None
    facts.gateways.CopyFrom(Addresses(addresses=dict.fromkeys(address for _, _, address in gateways)))
    servers = _resolvers(host, configured)
    facts.resolvers.CopyFrom(Addresses(addresses=dict.fromkeys(servers)))
    by_dhcp = [row["DHCPEnabled"] for row in configured if preferred is None or row["InterfaceIndex"] == preferred]
    if by_dhcp:
        facts.dhcp = any(by_dhcp)
    adapters = host.cim(_STANDARD, "MSFT_NetAdapter", *_ADAPTER)
    for row in sorted(adapters, key=lambda row: str(row["Name"])):
        if row["Hidden"] or row["InterfaceType"] == _LOOPBACK:
            continue
        interface = interface_of(row)
        interface.carries_default_route = preferred is not None and row["InterfaceIndex"] == preferred
        facts.interfaces.append(interface)


def interface_of(row: Row) -> Interface:
    """Return one interface of MSFT_NetAdapter."""
    interface = Interface(name=str(row["Name"]))
    status = row["InterfaceOperationalStatus"]
    up = status == _IF_UP if isinstance(status, int) else None
    kind = _kind(row)
    speed, mtu = number(row["Speed"]), number(row["MtuSize"])
    real = kind in (Interface.ETHERNET, Interface.WIFI, Interface.MOBILE)
    duplex = row["FullDuplex"]
    fill(
        interface,
        kind=kind,
        up=up,
        speed_bits_per_second=speed if up and real and speed and speed < _NO_SPEED else None,
        full_duplex=duplex if up and kind == Interface.ETHERNET and isinstance(duplex, bool) else None,
        mtu=mtu if mtu is not None and 0 <= mtu < 2**31 else None,
    )
    return interface


def number(value: CimValue) -> int | None:
    """Return an integer of CIM; COM gives those of 64 bits as text."""
    if isinstance(value, str):
        return int(value) if value.isdecimal() else None
    return value if isinstance(value, int) else None


def _kind(row: Row) -> Interface.Kind.ValueType:
    medium, link = row["NdisPhysicalMedium"], row["InterfaceType"]
    if isinstance(medium, int) and medium in _BY_MEDIUM:
        return _BY_MEDIUM[medium]
    if isinstance(link, int) and link in _BY_TYPE:
        return _BY_TYPE[link]
    return Interface.ETHERNET if row["HardwareInterface"] and link == _ETHERNET else Interface.VIRTUAL


def _gateways(rows: Iterable[Row]) -> Iterable[tuple[int, int, str]]:
    """Return the metric, the interface and the address of each default gateway."""
    for row in rows:
        costs = _list(row["GatewayCostMetric"])
        index = number(row["InterfaceIndex"]) or 0
        for place, address in enumerate(_list(row["DefaultIPGateway"])):
            cost = number(costs[place]) if place < len(costs) else 0
            yield (number(row["IPConnectionMetric"]) or 0) + (cost or 0), index, str(address)


def _resolvers(host: Host, configured: Iterable[Row]) -> list[str]:
    """Return the resolvers of the configured interfaces, of IPv6 too where this Windows tells them."""
    with suppress(Unsupported):
        rows = host.cim(_STANDARD, "MSFT_DNSClientServerAddress", *_RESOLVERS)
        found = [
            str(server)
            for interface in configured
            for row in rows
            if row["InterfaceIndex"] == interface["InterfaceIndex"]
            for server in _list(row["ServerAddresses"])
        ]
        return [server for server in found if not server.startswith(_PLACEHOLDER)]
    return [str(server) for row in configured for server in _list(row["DNSServerSearchOrder"])]


def _list(value: CimValue) -> Sequence[CimValue]:
    return value if isinstance(value, list) else []
