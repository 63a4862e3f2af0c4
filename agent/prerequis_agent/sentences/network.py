"""How the machine is attached, and what it reaches."""

from prerequis.v1.exposure_pb2 import Proxy, Vpn, Wifi
from prerequis.v1.facts_pb2 import Addresses, Line, Network, Services
from prerequis.v1.lan_pb2 import Lan
from prerequis_agent.sentences.french import count, decimal, joined, s, said

_WIFI = {
    Wifi.OPEN: "réseau ouvert", Wifi.WEP: "WEP", Wifi.WPA: "WPA", Wifi.WPA2_PERSONAL: "WPA2",
    Wifi.WPA2_ENTERPRISE: "WPA2-Entreprise", Wifi.WPA3_PERSONAL: "WPA3", Wifi.WPA3_ENTERPRISE: "WPA3-Entreprise",
    Wifi.ENHANCED_OPEN: "réseau ouvert chiffré",
}  # fmt: skip


def network(facts: Network) -> str:
    """Return the phrase."""
    return joined(
        count(len(facts.interfaces), "interface"),
        _addresses("passerelle", facts.gateways) if facts.HasField("gateways") else "",
        _addresses("DNS", facts.resolvers) if facts.HasField("resolvers") else "",
        said(facts, "dhcp", "adresse donnée par DHCP", "adresse fixe"),
    )


def lan(facts: Lan) -> str:
    """Return the phrase."""
    offers = len(facts.check.dhcp_offers.addresses)
    return joined(
        f"paquets de {facts.path_mtu} octets au plus" if facts.path_mtu else "",
        f"{count(facts.hops, 'étape')} jusqu'au collecteur" if facts.hops else "",
        f"{count(offers, 'serveur')} DHCP" if facts.check.HasField("dhcp_offers") else "",
        "adresse en double" if facts.duplicate_address or facts.check.duplicate_address else "",
    )


def wifi(facts: Wifi) -> str:
    """Return the phrase."""
    if not facts.present:
        return said(facts, "present", "", "pas de Wi-Fi")
    weak = facts.weak_networks_kept
    return joined(
        said(facts, "connected", "connecté", "non connecté"),
        _WIFI.get(facts.authentication, ""),
        f"{count(weak, 'réseau', 'réseaux')} mal protégé{s(weak)} gardé{s(weak)}" if weak else "",
    )


def proxy(facts: Proxy) -> str:
    """Return the phrase."""
    return joined(
        said(facts, "configured", "mandataire réglé", "pas de mandataire"),
        said(facts, "automatic_script", "par un script"),
        said(facts, "automatic_discovery", "découverte automatique (WPAD)"),
    )


def vpn(facts: Vpn) -> str:
    """Return the phrase."""
    connected = sum(tunnel.connected for tunnel in facts.tunnels)
    return joined(count(len(facts.tunnels), "tunnel"), f"{connected} ouvert{s(connected)}" if connected else "")


def services(facts: Services) -> str:
    """Return the phrase."""
    reached = sum(endpoint.reachable for endpoint in facts.endpoints)
    return f"{reached} joint{s(reached)} sur {len(facts.endpoints)}"


def line(facts: Line) -> str:
    """Return the phrase."""
    at_least = "au moins " if facts.censored else ""
    return joined(
        f"{at_least}{decimal(facts.down_bits_per_second / 1e6)} Mbit/s en réception"
        if facts.down_bits_per_second
        else "",
        f"{at_least}{decimal(facts.up_bits_per_second / 1e6)} Mbit/s en émission" if facts.up_bits_per_second else "",
        f"délai {decimal(facts.rtt_seconds * 1000)} ms" if facts.rtt_seconds else "",
    )


def _addresses(name: str, known: Addresses) -> str:
    return f"{name} {', '.join(known.addresses)}" if known.addresses else f"pas de {name}"
