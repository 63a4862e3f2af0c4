"""Observes the local network without rights and without scanning it; the check on the wire is `prerequis-agent lan`."""

from contextlib import suppress

from prerequis.v1.lan_pb2 import Lan
from prerequis_agent.attributes import Attributes, fill
from prerequis_agent.errors import Unsupported
from prerequis_agent.host import Host
from prerequis_agent.lan.path import Way
from prerequis_agent.lan.seen import LAN_CLASSES, LAN_COMMANDS, LAN_FILES, fill_seen, parse_interface
from prerequis_agent.probe import Observation, Probe

_PATH_SECONDS = 7.0

_NO_COLLECTOR = "Le chemin vers le collecteur n'a pas été mesuré : il n'est pas connu, ou pas joint."


def observe(host: Host) -> Observation:
    """Return the path to the collector and what the system tells of the network; raises Unsupported without network."""
    attributes, facts = Attributes(host), Lan()
    path = _path(host)
    fill(facts, path_mtu=path.mtu, hops=path.hops)
    interface, mtu = _interface(host, path.local_address)
    fill(facts, interface_mtu=mtu)
    fill_seen(host, attributes, facts, interface, path.local_address)
    if host.surroundings.lan_check is not None:
        facts.check.CopyFrom(host.surroundings.lan_check)
    details = [attributes.detail(facts, {}), "" if path.mtu else _NO_COLLECTOR]
    return Observation(facts, " ".join(filter(None, details)))


def _path(host: Host) -> Way:
    collector = host.surroundings.collector
    if collector:
        try:
            addresses = host.resolve(collector.host, collector.port, _PATH_SECONDS)
            return host.path_to(addresses, collector.port, _PATH_SECONDS)
        except OSError:
            # Told below: its path is not known, and the rest of the network may be.
            pass
    try:
        return host.path_to((), 0, _PATH_SECONDS)
    except OSError:
        raise Unsupported("Ce poste n'a pas de réseau.") from None


def _interface(host: Host, address: str) -> tuple[str, int | None]:
    """Return the interface that has an address, and its largest packet; an empty name when none has it."""
    if host.platform == "linux":
        # psutil would say the same for 40 ms of processor time.
        with suppress(Unsupported):
            name = parse_interface(host.run("ip", "-oneline", "address", "show").stdout, address)
            return name, Attributes(host).number(f"/sys/class/net/{name}/mtu") if name else None
    psutil = host.psutil()
    for name, addresses in psutil.net_if_addrs().items():
        if any(one.address.partition("%")[0] == address for one in addresses):
            stats = psutil.net_if_stats().get(name)
            return name, stats.mtu if stats and stats.mtu > 0 else None
    return "", None


PROBE = Probe(
    "lan",
    observe,
    about="Réseau local : plus grand paquet et nombre d'équipements jusqu'au collecteur, serveur DHCP, routeurs IPv6, "
    "adresse en double ; et, si une personne l'a demandé, ce que « prerequis-agent lan » a entendu.",
    deadline_seconds=20.0,
    uses_surroundings=True,
    reads=LAN_FILES,
    commands=LAN_COMMANDS,
    cim=LAN_CLASSES,
)
