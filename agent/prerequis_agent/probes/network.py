"""Observes how the machine is attached: interfaces, default gateways, DNS resolvers. Never a hardware address."""

import ipaddress
import sys
from dataclasses import dataclass

from prerequis.v1.facts_pb2 import Addresses, Interface, Network
from prerequis_agent.attributes import Attributes, fill
from prerequis_agent.dhcp import DHCP_COMMANDS, DHCP_FILES, has_lease
from prerequis_agent.errors import NotPermitted, ParseError, Unsupported
from prerequis_agent.host import Host
from prerequis_agent.macos_network import INTERFACES, PREFERENCES, parse_dhcp, parse_interfaces, parse_route
from prerequis_agent.probe import Observation, Probe
from prerequis_agent.windows.adapters import ADAPTER_CLASSES, fill_network

_NET = "/sys/class/net"
# Where the resolvers behind a local stub are named, systemd-resolved first, then NetworkManager.
_UPSTREAM_RESOLVERS = ("/run/systemd/resolve/resolv.conf", "/run/NetworkManager/no-stub-resolv.conf")

# ARPHRD_* of linux/if_arp.h.
_ETHERNET, _LOOPBACK, _RAW_IP = 1, 772, 519
_POINT_TO_POINT, _NO_LINK_LAYER = 512, 65534
_TUNNELS = frozenset({_POINT_TO_POINT, _NO_LINK_LAYER, 768, 769, 776, 778, 823})
# DEVTYPE of an interface's uevent.
_DEVICE_TYPES = {
    "wlan": Interface.WIFI, "wwan": Interface.MOBILE, "wireguard": Interface.TUNNEL, "ppp": Interface.TUNNEL,
    "gretap": Interface.TUNNEL, "ip6gretap": Interface.TUNNEL, "vxlan": Interface.TUNNEL, "geneve": Interface.TUNNEL,
}  # fmt: skip
_ATTRIBUTES = ("carrier", "duplex", "flags", "mtu", "operstate", "speed", "tun_flags", "type", "uevent")
_IFF_UP, _IFF_TUN = 0x1, 0x1
# RTF_* of linux/route.h.
_RTF_UP, _RTF_REJECT = 0x1, 0x200


_LABELS = {"gateways": "passerelles", "resolvers": "résolveurs DNS"}
_NAMES_ALONE = "Passerelles, résolveurs DNS et nature des interfaces : non relevés sur ce système."


@dataclass(frozen=True, slots=True)
class Route:
    """A default route; without a gateway the far end is on the link itself."""

    interface: str
    gateway: str | None
    metric: int


def parse_ipv4_routes(text: str) -> list[Route]:
    """Return the default routes of /proc/net/route, the preferred one first; raises ParseError on another form."""
    found = []
    for line in text.splitlines()[1:]:
        try:
            interface, destination, gateway, flags, _, _, metric, mask, *_ = line.split()
            is_default = int(destination, 16) == 0 and int(mask, 16) == 0
            # The kernel prints the address as a number of the machine's own byte order.
            address = ipaddress.IPv4Address(int(gateway, 16).to_bytes(4, sys.byteorder))
            usable = int(flags, 16) & (_RTF_UP | _RTF_REJECT) == _RTF_UP
            route = Route(interface, str(address) if int(address) else None, int(metric))
        except (ValueError, OverflowError):
            raise ParseError("/proc/net/route n'a pas la forme attendue.") from None
        if is_default and usable:
            found.append(route)
    return sorted(found, key=lambda route: route.metric)


def parse_ipv6_routes(text: str) -> list[Route]:
    """Return the default routes of /proc/net/ipv6_route, the preferred first; raises ParseError on another form."""
    found = []
    for line in text.splitlines():
        try:
            destination, length, _, _, gateway, metric, _, _, flags, interface = line.split()
            is_default = int(destination, 16) == 0 and int(length, 16) == 0
            address = ipaddress.IPv6Address(int(gateway, 16))
            usable = int(flags, 16) & (_RTF_UP | _RTF_REJECT) == _RTF_UP
            route = Route(interface, str(address) if int(address) else None, int(metric, 16))
        except ValueError:
            raise ParseError("/proc/net/ipv6_route n'a pas la forme attendue.") from None
        if is_default and usable:
            found.append(route)
    return sorted(found, key=lambda route: route.metric)


def parse_resolvers(text: str) -> list[str]:
    """Return the addresses that a resolv.conf names, in order; like the C library, skips what is no address."""
    found: dict[str, None] = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) < 2 or words[0] != "nameserver":
            continue
        try:
            found[str(ipaddress.ip_address(words[1].partition("%")[0]))] = None
        except ValueError:
            continue
    return list(found)


def observe(host: Host) -> Observation:
    """Return the interfaces in the order of their names, the gateways and the resolvers.

    Raises NotPermitted or Unsupported when the interfaces cannot be listed.
    """
    if host.platform == "win32":
        return _of_windows(host)
    attributes = Attributes(host)
    if host.platform == "darwin":
        return _of_macos(host, attributes)
    names = attributes.names(_NET)
    if names is None:
        raise attributes.absence("ses interfaces réseau")
    facts = Network()
    resolvers = _resolvers(attributes)
    if resolvers is not None:
        facts.resolvers.CopyFrom(Addresses(addresses=resolvers))
    preferred = None
    with attributes.part():
        routes = _routes(attributes)
        gateways = dict.fromkeys(route.gateway for route in routes if route.gateway)
        facts.gateways.CopyFrom(Addresses(addresses=gateways))
        # The empty name is that of no interface.
        preferred = routes[0].interface if routes else ""
    facts.interfaces.extend(_interfaces(attributes, names, preferred))
    if preferred:
        with attributes.part():
            fill(facts, dhcp=has_lease(host, attributes, preferred))
    # Whether the address is leased matters where there is one.
    labels = _LABELS | {"dhcp": "adresse donnée par DHCP"} if preferred else _LABELS
    return Observation(facts, attributes.detail(facts, labels))


def _of_windows(host: Host) -> Observation:
    facts = Network()
    try:
        fill_network(host, facts)
    except (NotPermitted, Unsupported):
        return Observation(Network(interfaces=_interfaces_of_psutil(host)), _NAMES_ALONE)
    return Observation(facts)


def _of_macos(host: Host, attributes: Attributes) -> Observation:
    facts = Network()
    with attributes.part():
        content = host.read_bytes(INTERFACES)
        facts.interfaces.extend(parse_interfaces(content) if content is not None else _interfaces_of_psutil(host))
    resolvers = _resolvers(attributes)
    if resolvers is not None:
        facts.resolvers.CopyFrom(Addresses(addresses=resolvers))
    with attributes.part():
        answer = host.run("route", "-n", "get", "default")
        route = parse_route(answer.stdout)
        if route is None and "not in table" not in answer.stderr:
            raise ParseError("route ne donne pas la passerelle.")
        gateway, device = route or (None, "")
        facts.gateways.CopyFrom(Addresses(addresses=[gateway] if gateway else []))
        for interface in facts.interfaces:
            interface.carries_default_route = interface.name == device
        preferences = host.read_bytes(PREFERENCES)
        fill(facts, dhcp=parse_dhcp(preferences, device) if preferences is not None else None)
    with attributes.part():
        live = {interface.name: interface for interface in _interfaces_of_psutil(host)}
        for interface in facts.interfaces:
            if interface.name in live:
                interface.MergeFrom(live[interface.name])
    return Observation(facts, attributes.detail(facts, _LABELS))


def _routes(attributes: Attributes) -> list[Route]:
    """Return the default routes, those of IPv4 first; raises ParseError when the kernel tells nothing of them."""
    ipv4 = attributes.text("/proc/net/route")
    if ipv4 is None:
        raise ParseError("La table de routage n'est pas lisible.")
    return parse_ipv4_routes(ipv4) + parse_ipv6_routes(attributes.text("/proc/net/ipv6_route") or "")


def _resolvers(attributes: Attributes) -> list[str] | None:
    """Return the resolvers in use, or None when the system's list cannot be read."""
    text = attributes.text("/etc/resolv.conf")
    configured = None if text is None else parse_resolvers(text)
    if configured and not all(ipaddress.ip_address(address).is_loopback for address in configured):
        return configured
    for path in _UPSTREAM_RESOLVERS:
        upstream = parse_resolvers(attributes.text(path) or "")
        if upstream:
            return upstream
    return configured


def _interfaces(attributes: Attributes, names: list[str], preferred: str | None) -> list[Interface]:
    found = []
    for name in names:
        files = set(attributes.names(f"{_NET}/{name}") or [])
        # bonding_masters and the like are files beside the interfaces.
        if not files or attributes.number(f"{_NET}/{name}/type") == _LOOPBACK:
            continue
        interface = _interface(attributes, name, files)
        if preferred is not None:
            interface.carries_default_route = name == preferred
        found.append(interface)
    return found


def _interface(attributes: Attributes, name: str, files: set[str]) -> Interface:
    base = f"{_NET}/{name}"
    interface = Interface(name=name, kind=_kind(attributes, base, files))
    up = _is_up(attributes, base)
    if up is not None:
        interface.up = up
    megabits = attributes.number(f"{base}/speed")
    # -1 and its 32 bits unsigned mean not known; what has no hardware behind it makes its rate up.
    if interface.kind not in (Interface.TUNNEL, Interface.VIRTUAL) and megabits and 0 < megabits < 2**32 - 1:
        interface.speed_bits_per_second = megabits * 1_000_000
        duplex = attributes.text(f"{base}/duplex")
        if duplex in ("full", "half"):
            interface.full_duplex = duplex == "full"
    mtu = attributes.number(f"{base}/mtu")
    if mtu is not None and 0 <= mtu < 2**31:
        interface.mtu = mtu
    return interface


def _kind(attributes: Attributes, base: str, files: set[str]) -> Interface.Kind.ValueType:
    uevent = attributes.text(f"{base}/uevent") or ""
    device_type = next((line[8:] for line in uevent.splitlines() if line.startswith("DEVTYPE=")), "")
    if device_type in _DEVICE_TYPES:
        return _DEVICE_TYPES[device_type]
    if "wireless" in files or "phy80211" in files:
        return Interface.WIFI
    link = attributes.number(f"{base}/type")
    if "tun_flags" in files:
        flags = attributes.number(f"{base}/tun_flags", 16)
        return Interface.TUNNEL if flags and flags & _IFF_TUN else Interface.VIRTUAL
    if link == _RAW_IP:
        return Interface.MOBILE
    if link in _TUNNELS:
        return Interface.TUNNEL
    return Interface.ETHERNET if "device" in files and link == _ETHERNET else Interface.VIRTUAL


def _is_up(attributes: Attributes, base: str) -> bool | None:
    state = attributes.text(f"{base}/operstate")
    if state != "unknown":
        return None if state is None else state == "up"
    # Drivers that do not report their state, most tunnels among them, still tell whether they have a carrier.
    flags = attributes.number(f"{base}/flags", 16)
    if flags is None:
        return None
    return bool(flags & _IFF_UP) and attributes.number(f"{base}/carrier") == 1


def _interfaces_of_psutil(host: Host) -> list[Interface]:
    psutil = host.psutil()
    addresses = psutil.net_if_addrs()
    found = []
    for name, state in sorted(psutil.net_if_stats().items()):
        if any(address.address in ("127.0.0.1", "::1") for address in addresses.get(name, [])):
            continue
        interface = Interface(name=name, up=state.isup)
        if state.speed > 0:
            interface.speed_bits_per_second = state.speed * 1_000_000
        if state.duplex != psutil.NIC_DUPLEX_UNKNOWN:
            interface.full_duplex = state.duplex == psutil.NIC_DUPLEX_FULL
        if state.mtu > 0:
            interface.mtu = state.mtu
        found.append(interface)
    return found


PROBE = Probe(
    name="network",
    observe=observe,
    about="Rattachement au réseau : interfaces et débits, passerelles, serveurs DNS, DHCP.",
    reads=(
        "/etc/resolv.conf",
        "/proc/net/ipv6_route",
        "/proc/net/route",
        *(f"{_NET}/*/{name}" for name in _ATTRIBUTES),
        *_UPSTREAM_RESOLVERS,
        *DHCP_FILES,
        INTERFACES,
        PREFERENCES,
    ),
    commands=(*DHCP_COMMANDS, "route"),
    cim=ADAPTER_CLASSES,
)
