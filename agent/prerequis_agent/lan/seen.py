"""What each system tells any account of its local network: DHCP server, IPv6 routers, addresses used twice."""

import ipaddress
import re
from collections.abc import Iterable

from prerequis.v1.lan_pb2 import Lan
from prerequis_agent.attributes import Attributes, fill
from prerequis_agent.errors import Unsupported
from prerequis_agent.host import Host
from prerequis_agent.windows.api import CimValue

_NETWORKD_LEASES = "/run/systemd/netif/leases"
_DHCLIENT = ("/var/lib/dhcp", "/var/lib/dhclient")
_IPV6_ROUTES = "/proc/net/ipv6_route"
_IPV6_ADDRESSES = "/proc/net/if_inet6"

LAN_FILES = (
    "/sys/class/net/*/ifindex",
    "/sys/class/net/*/mtu",
    f"{_NETWORKD_LEASES}/*",
    *(f"{directory}/*" for directory in _DHCLIENT),
    _IPV6_ROUTES,
    _IPV6_ADDRESSES,
)
"""What is read on Linux; everyone may."""

LAN_COMMANDS = ("ip", "ipconfig", "netstat", "nmcli")
"""What is run: on Linux, on macOS, and where NetworkManager rules."""

_STANDARD = "root/StandardCimv2"
LAN_CLASSES = (
    "root/cimv2:Win32_NetworkAdapterConfiguration",
    f"{_STANDARD}:MSFT_NetRoute",
    f"{_STANDARD}:MSFT_NetIPAddress",
)
"""What is asked of Windows."""

# RTF_UP, RTF_GATEWAY and RTF_REJECT of linux/route.h; IFA_F_DADFAILED of linux/if_addr.h.
_UP, _GATEWAY, _REJECT = 0x1, 0x2, 0x200
_DAD_FAILED = 0x08
# NlDadState of nldef.h: IpDadStateDuplicate.
_DUPLICATE = 2


def fill_seen(host: Host, attributes: Attributes, facts: Lan, interface: str, address: str) -> None:
    """Set what the system tells of the interface and address by which it leaves; the rest stays unset."""
    match host.platform:
        case "win32":
            _of_windows(host, attributes, facts, address)
        case "darwin":
            _of_macos(host, attributes, facts, interface)
        case "linux":
            _of_linux(host, attributes, facts, interface)


def _of_linux(host: Host, attributes: Attributes, facts: Lan, interface: str) -> None:
    routes = attributes.text(_IPV6_ROUTES)
    addresses = attributes.text(_IPV6_ADDRESSES)
    fill(
        facts,
        dhcp_server=_linux_server(host, attributes, interface),
        # Without the file this kernel does no IPv6 at all.
        ipv6_routers=parse_ipv6_routers(routes) if routes is not None else None,
        duplicate_address=parse_duplicates(addresses) if addresses is not None else None,
    )


def _linux_server(host: Host, attributes: Attributes, interface: str) -> str | None:
    index = attributes.number(f"/sys/class/net/{interface}/ifindex")
    lease = attributes.text(f"{_NETWORKD_LEASES}/{index}") if index is not None else None
    if lease and (server := parse_networkd(lease)):
        return server
    for directory in _DHCLIENT:
        for name in attributes.names(directory) or []:
            if "6" not in name and (server := parse_dhclient(attributes.text(f"{directory}/{name}") or "", interface)):
                return server
    try:
        return parse_nmcli(
            host.run("nmcli", "-t", "-f", "DHCP4", "device", "show", interface, may_be_silent=True).stdout
        )
    except Unsupported:
        return None


def _of_macos(host: Host, attributes: Attributes, facts: Lan, interface: str) -> None:
    with attributes.part():
        answer = host.run("ipconfig", "getoption", interface, "server_identifier", may_be_silent=True)
        fill(facts, dhcp_server=parse_address(answer.stdout))
    with attributes.part():
        fill(facts, ipv6_routers=parse_netstat(host.run("netstat", "-rn", "-f", "inet6").stdout))


def _of_windows(host: Host, attributes: Attributes, facts: Lan, address: str) -> None:
    with attributes.part():
        rows = host.cim(
            "root/cimv2", "Win32_NetworkAdapterConfiguration", "IPAddress", "DHCPServer", where={"IPEnabled": True}
        )
        mine = [row["DHCPServer"] for row in rows if address in _list(row["IPAddress"])]
        fill(facts, dhcp_server=next((found for one in mine if (found := parse_address(str(one or "")))), None))
    with attributes.part():
        routes = host.cim(_STANDARD, "MSFT_NetRoute", "NextHop", where={"DestinationPrefix": "::/0"})
        routers = {str(row["NextHop"]) for row in routes} - {"::"}
        fill(facts, ipv6_routers=len(routers))
    with attributes.part():
        states = host.cim(_STANDARD, "MSFT_NetIPAddress", "AddressState")
        fill(facts, duplicate_address=any(row["AddressState"] == _DUPLICATE for row in states))


def _list(value: CimValue) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def parse_interface(text: str, address: str) -> str:
    """Return which interface of `ip -oneline address show` has an address; an empty name when none has it."""
    line = next((line.split() for line in text.splitlines() if f" {address}/" in line), [])
    return line[1] if len(line) > 1 else ""


def parse_address(text: str) -> str | None:
    """Return the IPv4 address that a text is, None when it is none; what no server has does not count."""
    try:
        address = ipaddress.IPv4Address(text.strip())
    except ValueError:
        return None
    return None if address.is_unspecified or int(address) == 2**32 - 1 else str(address)


def parse_networkd(text: str) -> str | None:
    """Return the server of a lease of systemd-networkd."""
    found = re.search(r"^SERVER_ADDRESS=(\S+)$", text, re.MULTILINE)
    return parse_address(found[1]) if found else None


def parse_dhclient(text: str, interface: str) -> str | None:
    """Return the server of the newest lease of an interface in a file of dhclient (dhclient.leases(5))."""
    servers: list[str] = []
    for lease in re.findall(r"^lease\s*\{(.*?)^\}", text, re.MULTILINE | re.DOTALL):
        server = re.search(r"option dhcp-server-identifier ([0-9.]+);", lease)
        if server and f'interface "{interface}";' in lease:
            servers.append(server[1])
    return parse_address(servers[-1]) if servers else None


def parse_nmcli(text: str) -> str | None:
    """Return the server that `nmcli -t -f DHCP4 device show` tells."""
    found = re.search(r"^DHCP4\.OPTION\[\d+\]:dhcp_server_identifier = (\S+)$", text, re.MULTILINE)
    return parse_address(found[1]) if found else None


def parse_ipv6_routers(text: str) -> int:
    """Return how many routers the default routes of /proc/net/ipv6_route lead to."""
    routers: set[str] = set()
    for line in text.splitlines():
        words = line.split()
        if len(words) != 10 or words[0].strip("0") or words[1] != "00" or words[9] == "lo":
            continue
        try:
            flags = int(words[8], 16)
        except ValueError:
            continue
        if flags & (_UP | _GATEWAY | _REJECT) == _UP | _GATEWAY:
            routers.add(words[4])
    return len(routers)


def parse_netstat(text: str) -> int:
    """Return how many routers the default routes of `netstat -rn -f inet6` lead to, tunnels left out."""
    return len(set(_routers_of_netstat(text.splitlines())))


def _routers_of_netstat(lines: Iterable[str]) -> Iterable[str]:
    for line in lines:
        words = line.split()
        if len(words) >= 4 and words[0] == "default" and "G" in words[2] and not words[3].startswith("utun"):
            yield words[1]


def parse_duplicates(text: str) -> bool:
    """Return whether an address of /proc/net/if_inet6 was found on another machine (RFC 4862, 5.4)."""
    for line in text.splitlines():
        words = line.split()
        if len(words) == 6 and re.fullmatch(r"[0-9a-fA-F]+", words[4]) and int(words[4], 16) & _DAD_FAILED:
            return True
    return False
