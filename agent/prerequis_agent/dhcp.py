"""Tells whether an interface of a Linux machine has its IPv4 address from DHCP.

The kernel knows it of most clients: an address with an end came from a lease. Where it has none, what manages the
interface says whether the address was written down or leased for ever.
"""

import re
from contextlib import suppress

from prerequis_agent.attributes import Attributes
from prerequis_agent.errors import Unsupported
from prerequis_agent.host import Host
from prerequis_agent.network_manager import NETWORK_MANAGER_FILES, connection_of

_NETWORKD = "/run/systemd/netif"
_INTERFACES = "/etc/network/interfaces"

DHCP_FILES = (
    "/sys/class/net/*/ifindex",
    f"{_NETWORKD}/leases/*",
    f"{_NETWORKD}/links/*",
    _INTERFACES,
    f"{_INTERFACES}.d/*",
    *NETWORK_MANAGER_FILES,
)
"""What is read; the connections of NetworkManager by root alone."""

DHCP_COMMANDS = ("ip",)
"""What is run."""

# ip-address(8): `-oneline` writes an address as one line, flags before the backslash, its life after it.
_DYNAMIC = re.compile(r"^\d+: \S+ +inet \S+ [^\\]*\bdynamic\b", re.MULTILINE)
_STANZA = re.compile(r"^[ \t]*iface[ \t]+(\S+)[ \t]+inet[ \t]+(\S+)", re.MULTILINE)
# nm-settings(5), ipv4.method, and interfaces(5).
_METHODS = {"auto": True, "manual": False, "disabled": False, "link-local": False, "shared": False}
_STANZAS = {"dhcp": True, "static": False}


def has_lease(host: Host, attributes: Attributes, interface: str) -> bool | None:
    """Return whether the interface's IPv4 address comes from DHCP, or None when nothing tells."""
    with suppress(Unsupported):
        addresses = host.run("ip", "-4", "-oneline", "address", "show", "dev", interface, may_be_silent=True).stdout
        if is_dynamic(addresses):
            return True
    index = attributes.number(f"/sys/class/net/{interface}/ifindex")
    if attributes.names(f"{_NETWORKD}/links") and index is not None:
        if attributes.text(f"{_NETWORKD}/leases/{index}"):
            return True
        # networkd writes the file of its own configuration for the links that it manages.
        if "\nNETWORK_FILE=/" in f"\n{attributes.text(f'{_NETWORKD}/links/{index}')}":
            return False
    connection = connection_of(attributes, index)
    if connection:
        return _METHODS.get(connection.value("ipv4", "method") or "")
    names = attributes.names(f"{_INTERFACES}.d") or []
    files = (_INTERFACES, *(f"{_INTERFACES}.d/{name}" for name in names))
    return parse_interfaces("\n".join(attributes.text(file) or "" for file in files), interface)


def is_dynamic(text: str) -> bool:
    """Return whether `ip -oneline address` shows an IPv4 address that ends."""
    return bool(_DYNAMIC.search(text))


def parse_interfaces(text: str, interface: str) -> bool | None:
    """Return what interfaces(5) says of an interface, or None when it leaves it to others."""
    methods = [_STANZAS.get(method) for name, method in _STANZA.findall(text) if name == interface]
    return next((method for method in methods if method is not None), None)
