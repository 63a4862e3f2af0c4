"""Observes the tunnels that are set up for everyone on the machine and for who is signed on. Never their names.

Windows keeps its own tunnels in phone books, and WireGuard's as services; NetworkManager, wg-quick and OpenVPN keep
theirs in files.
"""

import re
from collections.abc import Iterator

from prerequis.v1.exposure_pb2 import Tunnel, Vpn
from prerequis_agent.attributes import Attributes
from prerequis_agent.errors import NotPermitted, Unreadable, Unsupported
from prerequis_agent.host import Host
from prerequis_agent.network_manager import NETWORK_MANAGER_FILES, Connection, kept_connections
from prerequis_agent.probe import Observation, Probe

_PHONE_BOOK = r"Microsoft\Network\Connections\Pbk\rasphone.pbk"
_SHARED_PHONE_BOOK = rf"C:\ProgramData\{_PHONE_BOOK}"
_SERVICES = r"HKLM\SYSTEM\CurrentControlSet\Services"
_WIREGUARD_SERVICE = "WireGuardTunnel$"
_FORTICLIENT = tuple(rf"HKLM\SOFTWARE\Fortinet\FortiClient\{kind}\Tunnels" for kind in ("Sslvpn", "IPSec"))
_OPENVPN_FOLDERS = (r"C:\Program Files\OpenVPN\config", r"C:\Program Files\OpenVPN\config-auto")
_RUNNING = 4
# RASENTRY of ras.h: dwType RASET_Vpn, and the values of dwVpnStrategy that leave no choice.
_RASET_VPN = "2"
_STRATEGIES = {"1": Tunnel.PPTP, "3": Tunnel.L2TP, "5": Tunnel.SSTP, "7": Tunnel.IKEV2}

_WIREGUARD, _OPENVPN = "/etc/wireguard", ("/etc/openvpn", "/etc/openvpn/client")
_INTERFACES = "/sys/class/net"
_EVERYTHING = re.compile(r"(?:^|[\s,=])(?:0\.0\.0\.0|::)/0")
_NETWORK_MANAGER_KINDS = {
    "openvpn": Tunnel.OPENVPN, "pptp": Tunnel.PPTP, "l2tp": Tunnel.L2TP, "sstp": Tunnel.SSTP,
    "strongswan": Tunnel.IKEV2,
}  # fmt: skip
# `* (Connected)   <uuid> PPP --> L2TP "name"  [PPP:L2TP]`
_SCUTIL = re.compile(r"^[* ]\s*\((\w+)\)\s.*\[(?:\w+):?([\w.]*)\]\s*$", re.MULTILINE)
_SCUTIL_KINDS = {
    "L2TP": Tunnel.L2TP,
    "PPTP": Tunnel.PPTP,
    "IKEv2": Tunnel.IKEV2,
    "com.wireguard.macos": Tunnel.WIREGUARD,
}


def parse_phone_book(text: str) -> list[Tunnel]:
    """Return the tunnels of a rasphone.pbk, without the names that begin its sections."""
    found = []
    for entry in re.split(r"^\[[^\n]*\]\s*$", text, flags=re.MULTILINE)[1:]:
        values = dict(re.findall(r"^(\w+)=([^\r\n]*?)\s*$", entry, re.MULTILINE))
        if values.get("Type") != _RASET_VPN:
            continue
        tunnel = Tunnel(kind=_STRATEGIES.get(values.get("VpnStrategy", ""), Tunnel.AUTOMATIC))
        if values.get("IpPrioritizeRemote") in ("0", "1"):
            tunnel.split = values["IpPrioritizeRemote"] == "0"
        found.append(tunnel)
    return found


def parse_scutil(text: str) -> list[Tunnel]:
    """Return the tunnels of `scutil --nc list`; raises Unreadable when it wrote nothing."""
    if "network connection services" not in text:
        raise Unreadable("scutil ne liste pas les connexions.")
    return [
        Tunnel(kind=_SCUTIL_KINDS.get(kind, Tunnel.OTHER), connected=state == "Connected")
        for state, kind in _SCUTIL.findall(text)
    ]


def observe(host: Host) -> Observation:
    """Return every tunnel; raises NotPermitted when some may hide, so that the list is never short in silence."""
    attributes = Attributes(host)
    if host.platform == "darwin":
        return Observation(Vpn(tunnels=parse_scutil(host.run("scutil", "--nc", "list").stdout)))
    if host.platform == "win32":
        tunnels = list(_of_windows(host, attributes))
    elif host.platform == "linux":
        tunnels = list(_of_linux(attributes))
    else:
        raise Unsupported("Les tunnels ne sont pas relevés sur ce système.")
    refusal = attributes.refusal()
    if refusal:
        raise refusal
    return Observation(Vpn(tunnels=tunnels))


def _of_windows(host: Host, attributes: Attributes) -> Iterator[Tunnel]:
    books = [_SHARED_PHONE_BOOK]
    for hive in attributes.hives():
        folder = attributes.string(rf"{hive}\Volatile Environment", "APPDATA")
        if folder:
            books.append(rf"{folder}\{_PHONE_BOOK}")
    for book in books:
        yield from parse_phone_book(attributes.text(book) or "")
    for name in attributes.subkeys(_SERVICES) or []:
        if name.startswith(_WIREGUARD_SERVICE):
            tunnel = Tunnel(kind=Tunnel.WIREGUARD)
            try:
                service = host.win32().service(name)
            except NotPermitted:
                service = None
            if service is not None:
                tunnel.connected = service.state == _RUNNING
            yield tunnel
    for key in _FORTICLIENT:
        yield from (Tunnel(kind=Tunnel.OTHER) for _ in attributes.subkeys(key) or [])
    for folder in _OPENVPN_FOLDERS:
        names = attributes.names(folder) or []
        yield from (Tunnel(kind=Tunnel.OPENVPN) for name in names if name.lower().endswith(".ovpn"))


def _of_linux(attributes: Attributes) -> Iterator[Tunnel]:
    interfaces = attributes.names(_INTERFACES) or []
    kept = kept_connections(attributes)
    for connection in kept.connections if kept else []:
        tunnel = _of_network_manager(connection)
        if tunnel is not None:
            yield tunnel
    for name in attributes.names(_WIREGUARD) or []:
        if name.endswith(".conf"):
            tunnel = Tunnel(kind=Tunnel.WIREGUARD, connected=name.removesuffix(".conf") in interfaces)
            text = attributes.text(f"{_WIREGUARD}/{name}")
            if text is not None:
                tunnel.split = not _EVERYTHING.search(text)
            yield tunnel
    for folder in _OPENVPN:
        names = attributes.names(folder) or []
        yield from (Tunnel(kind=Tunnel.OPENVPN) for name in names if name.endswith((".conf", ".ovpn")))


def _of_network_manager(connection: Connection) -> Tunnel | None:
    kind = connection.value("connection", "type")
    if kind == "wireguard":
        return Tunnel(kind=Tunnel.WIREGUARD, connected=connection.active)
    if kind != "vpn":
        return None
    service = (connection.value("vpn", "service-type") or "").rpartition(".")[2]
    tunnel = Tunnel(kind=_NETWORK_MANAGER_KINDS.get(service, Tunnel.OTHER))
    if connection.value("ipv4", "never-default") == "true":
        tunnel.split = True
    return tunnel


PROBE = Probe(
    name="vpn",
    observe=observe,
    about="Tunnels configurés, en nombre et par nature.",
    administrator="les fichiers des tunnels (Linux)",
    reads=(
        _SHARED_PHONE_BOOK,
        rf"C:\Users\*\AppData\Roaming\{_PHONE_BOOK}",
        *(rf"{folder}\*" for folder in _OPENVPN_FOLDERS),
        *NETWORK_MANAGER_FILES,
        f"{_WIREGUARD}/*",
        *(f"{folder}/*" for folder in _OPENVPN),
        _INTERFACES,
    ),
    commands=("scutil",),
    registry=(
        "HKU", r"HKU\*\Volatile Environment", r"HKCU\Volatile Environment", rf"{_SERVICES}\*",
        *(rf"{key}\*" for key in _FORTICLIENT),
    ),
    win32=("service",),
)  # fmt: skip
