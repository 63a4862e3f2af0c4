"""Reads how macOS is attached to the network, from its property lists and the answer of route."""

import plistlib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from xml.parsers.expat import ExpatError

from prerequis.v1.facts_pb2 import Interface
from prerequis_agent.errors import ParseError

INTERFACES = "/Library/Preferences/SystemConfiguration/NetworkInterfaces.plist"
"""The interfaces that macOS has met, with their kind."""

PREFERENCES = "/Library/Preferences/SystemConfiguration/preferences.plist"
"""How each network service is set up."""

_KINDS = {
    "Ethernet": Interface.ETHERNET, "IEEE80211": Interface.WIFI, "WWAN": Interface.MOBILE, "PPP": Interface.TUNNEL,
    "VPN": Interface.TUNNEL, "Bridge": Interface.VIRTUAL, "Bond": Interface.VIRTUAL, "VLAN": Interface.VIRTUAL,
}  # fmt: skip


def parse_interfaces(content: bytes) -> list[Interface]:
    """Return the interfaces of NetworkInterfaces.plist in the order of their names; raises ParseError."""
    rows = _rows(content, lambda plist: plist["Interfaces"])
    found = []
    for row in sorted(rows, key=lambda row: str(row.get("BSD Name"))):
        interface = Interface(name=str(row.get("BSD Name")))
        kind = _KINDS.get(str(row.get("SCNetworkInterfaceType")))
        if kind is not None:
            interface.kind = kind
        found.append(interface)
    return found


def parse_dhcp(content: bytes, device: str) -> bool | None:
    """Return whether preferences.plist gives a device its address by DHCP, None when it does not say."""
    services = _rows(content, lambda plist: plist.get("NetworkServices", {}).values())
    for service in services:
        interface, ipv4 = service.get("Interface"), service.get("IPv4")
        if isinstance(interface, Mapping) and isinstance(ipv4, Mapping) and interface.get("DeviceName") == device:
            return ipv4.get("ConfigMethod") == "DHCP"
    return None


def parse_route(text: str) -> tuple[str, str] | None:
    """Return the gateway and the interface of `route -n get default`, None without a default route."""
    found = dict(re.findall(r"^\s*(gateway|interface): (\S+)$", text, re.MULTILINE))
    return (found["gateway"], found["interface"]) if len(found) == 2 else None


def _rows(content: bytes, pick: Callable[[dict[str, Any]], Iterable[Any]]) -> list[Mapping[str, object]]:
    try:
        return [row for row in pick(plistlib.loads(content)) if isinstance(row, Mapping)]
    except (plistlib.InvalidFileException, ExpatError, KeyError, TypeError, ValueError, AttributeError):
        raise ParseError("Une liste de propriétés du réseau n'a pas la forme attendue.") from None
