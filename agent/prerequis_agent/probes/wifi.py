"""Observes the Wi-Fi connection in use and how many weak networks the machine keeps. Never the name of a network."""

from prerequis.v1.exposure_pb2 import Wifi
from prerequis_agent.attributes import Attributes, fill
from prerequis_agent.errors import NotPermitted, Unsupported
from prerequis_agent.host import Host
from prerequis_agent.network_manager import NETWORK_MANAGER_FILES, kept_connections
from prerequis_agent.probe import Observation, Probe
from prerequis_agent.wlan import (
    fill_from_network_manager,
    fill_from_profile,
    fill_from_windows,
    is_weak,
    parse_profile,
    parse_signal,
    parse_system_profiler,
)

_NET, _LEVELS = "/sys/class/net", "/proc/net/wireless"
_OPEN_NETWORKS = r"HKLM\SOFTWARE\Microsoft\WcmSvc\wifinetworkmanager\config"
_CONNECTED = 1
# Windows 11 24H2 and later say nothing of a connection unless somebody allowed location to desktop programs.
_NO_CONSENT = (
    "Windows ne montre pas la connexion Wi-Fi : autoriser la localisation pour les applications de bureau "
    "(Paramètres, Confidentialité et sécurité, Localisation)."
)


def observe(host: Host) -> Observation:
    """Return the connection in use; where there is no Wi-Fi, that it is neither present nor connected.

    Raises Unsupported elsewhere than on Windows, Linux and macOS.
    """
    attributes = Attributes(host)
    if host.platform == "win32":
        return _of_windows(host, attributes)
    if host.platform == "linux":
        return _of_linux(attributes)
    if host.platform == "darwin":
        return Observation(
            parse_system_profiler(host.run("system_profiler", "-xml", "SPAirPortDataType").stdout.encode())
        )
    raise Unsupported("Le Wi-Fi n'est pas relevé sur ce système.")


def _of_windows(host: Host, attributes: Attributes) -> Observation:
    interfaces = host.win32().wlan_interfaces()
    connected = [interface for interface in interfaces if interface.state == _CONNECTED]
    facts = Wifi(present=bool(interfaces), connected=bool(connected))
    if not interfaces:
        return Observation(facts)
    profiles = None
    with attributes.part():
        profiles = [parse_profile(xml) for each in interfaces for xml in host.win32().wlan_profiles(each.guid)]
        facts.weak_networks_kept = sum(profile.is_weak for profile in profiles)
    oem = attributes.dword(_OPEN_NETWORKS, "AutoConnectAllowedOEM")
    fill(facts, joins_open_networks=None if oem is None else oem == 1)
    told = ""
    if connected:
        try:
            connection = host.win32().wlan_connection(connected[0].guid)
            if connection is not None:
                fill_from_windows(facts, connection)
        except NotPermitted:
            # The network's name leads to its profile, which says what was agreed on.
            with attributes.part():
                rows = host.cim("root/StandardCimv2", "MSFT_NetConnectionProfile", "Name")
                names = {row["Name"] for row in rows}
                in_use = [profile for profile in profiles or [] if profile.name in names]
                if len(in_use) == 1:
                    fill_from_profile(facts, in_use[0])
            told = _NO_CONSENT
    return Observation(facts, " ".join(filter(None, (told, attributes.detail(facts, {})))))


def _of_linux(attributes: Attributes) -> Observation:
    names = attributes.names(_NET)
    if names is None:
        raise attributes.absence("ses interfaces réseau")
    wireless = [
        name for name in names if {"wireless", "phy80211"}.intersection(attributes.names(f"{_NET}/{name}") or [])
    ]
    if not wireless:
        return Observation(Wifi(present=False, connected=False))
    up = next((name for name in wireless if attributes.text(f"{_NET}/{name}/operstate") == "up"), None)
    facts = Wifi(present=True, connected=up is not None)
    if up is not None:
        fill(facts, signal_dbm=parse_signal(attributes.text(_LEVELS) or "", up))
    kept = kept_connections(attributes)
    if kept is not None:
        wifi = [each for each in kept.connections if each.value("connection", "type") in ("wifi", "802-11-wireless")]
        if kept.complete:
            facts.weak_networks_kept = sum(map(is_weak, wifi))
        active = [connection for connection in wifi if connection.active]
        if up is not None and len(active) == 1:
            fill_from_network_manager(facts, active[0])
    labels = {"authentication": "authentification du Wi-Fi"} if facts.connected else {}
    return Observation(facts, attributes.detail(facts, labels))


PROBE = Probe(
    name="wifi",
    observe=observe,
    about="Connexion Wi-Fi en cours : authentification, chiffrement, signal ; jamais le nom d'un réseau.",
    administrator="les réseaux gardés (Linux)",
    reads=(f"{_NET}/*/operstate", _LEVELS, *NETWORK_MANAGER_FILES),
    commands=("system_profiler",),
    registry=(_OPEN_NETWORKS,),
    cim=("root/StandardCimv2:MSFT_NetConnectionProfile",),
    win32=("wlan_interfaces", "wlan_connection", "wlan_profiles"),
)
