"""Observes what the host's own firewall does, in effect: the rules in the kernel, not the state of a service.

Traffic is denied by default when every packet of PACKETS that no rule speaks of is dropped or rejected by some chain
that filters inbound traffic: one deny is enough, and IPv4 closed with IPv6 open is open.
"""

import re
from dataclasses import dataclass, field

from prerequis.v1.facts_pb2 import Firewall, FirewallProfile
from prerequis_agent.attributes import Attributes, fill
from prerequis_agent.errors import NotPermitted, Unreadable, Unsupported
from prerequis_agent.host import Host
from prerequis_agent.packet_filter import PACKETS, Fate, Packet, Table, parse_iptables, parse_nftables
from prerequis_agent.probe import Observation, Probe

# For each family, what prints its rules, what prints those of the older engine, and where the kernel names its tables.
_IPTABLES = (
    ("ip", "iptables-save", "iptables-legacy-save", "/proc/net/ip_tables_names"),
    ("ip6", "ip6tables-save", "ip6tables-legacy-save", "/proc/net/ip6_tables_names"),
)
# How iptables-save signs when its rules live in nftables.
_OVER_NFTABLES = "(nf_tables)"
_IPV6_ADDRESSES = "/proc/net/if_inet6"

_SERVICES, _SERVICE = r"HKLM\SYSTEM\CurrentControlSet\Services", "mpssvc"
_LOCAL = r"HKLM\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy"
_POLICY = r"HKLM\SOFTWARE\Policies\Microsoft\WindowsFirewall"
# For each profile, where it is looked for, the first that says something winning: the policy, then the machine's own.
# StandardProfile is the name from before Windows Vista, which the machine's own settings keep for the private profile.
_PROFILES = {
    "domain": (rf"{_POLICY}\DomainProfile", rf"{_LOCAL}\DomainProfile"),
    "private": (rf"{_POLICY}\PrivateProfile", rf"{_POLICY}\StandardProfile", rf"{_LOCAL}\StandardProfile"),
    "public": (rf"{_POLICY}\PublicProfile", rf"{_LOCAL}\PublicProfile"),
}
_DISABLED, _STOPPED, _BLOCK, _PRODUCT_ON = 4, 1, 1, 0
_STATE = re.compile(r"\(State = (\d)\)")


@dataclass(slots=True)
class Ruleset:
    """The tables in force, by the engine that shows them best, and what could not be seen."""

    nftables: list[Table] = field(default_factory=list)
    iptables: list[Table] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    """One French sentence for each place where other rules may be."""

    @property
    def tables(self) -> list[Table]:
        """Return every table."""
        return self.nftables + self.iptables

    def is_active(self) -> bool | None:
        """Return whether some inbound traffic is denied, or None when that is not known."""
        if any(table.denies_something() for table in self.tables):
            return True
        return None if self.unseen or not all(table.is_legible for table in self.tables) else False

    def denies(self, packet: Packet) -> bool | None:
        """Return whether a packet that no rule speaks of is denied, or None when that is not known."""
        fates = [fate for table in self.tables for fate in table.fates(packet)]
        if Fate.DENIED in fates:
            return True
        return None if self.unseen or Fate.UNKNOWN in fates else False


def observe(host: Host) -> Observation:
    """Return what the rules in the kernel do.

    Raises NotPermitted without administrator rights, Unsupported when no program can show the rules.
    """
    if host.platform == "win32":
        return _of_windows(host)
    if host.platform == "darwin":
        return Observation(parse_application_firewall(host.run("socketfilterfw", "--getglobalstate").stdout))
    if host.platform != "linux":
        raise Unsupported("Le pare-feu n'est pas relevé sur ce système.")
    ruleset = _read(host)
    facts = Firewall()
    active = ruleset.is_active()
    if active is not None:
        facts.active = active
    families = ("ip", "ip6") if host.read_text(_IPV6_ADDRESSES) else ("ip",)
    denied = {ruleset.denies(packet) for packet in PACKETS if packet[0] in families}
    if False in denied:
        facts.inbound_denied_by_default = False
    elif None not in denied:
        facts.inbound_denied_by_default = True
    loaded = {"nftables": ruleset.nftables, "iptables": ruleset.iptables}
    facts.engines.extend(engine for engine, tables in loaded.items() if any(table.is_loaded for table in tables))
    return Observation(facts, " ".join(ruleset.unseen))


def parse_application_firewall(text: str) -> Firewall:
    """Return what `socketfilterfw --getglobalstate` says; raises Unreadable when it says nothing.

    0 is off, 1 asks program by program, 2 blocks everything.
    """
    state = _STATE.search(text)
    if not state:
        raise Unreadable("socketfilterfw ne dit pas si le pare-feu est actif.")
    level = int(state[1])
    facts = Firewall(active=level > 0, engines=["alf"] if level else [])
    if level != 1:
        facts.inbound_denied_by_default = level > 1
    return facts


def _of_windows(host: Host) -> Observation:
    attributes = Attributes(host)
    service = attributes.dword(f"{_SERVICES}\\{_SERVICE}", "Start")
    facts = Firewall(profiles=[_profile(attributes, name, places) for name, places in _PROFILES.items()])
    if service == _DISABLED or _is_stopped(host):
        # Without its service the firewall filters nothing, whatever its settings say.
        for profile in facts.profiles:
            profile.enabled, profile.inbound_denied_by_default = False, False
    known = [profile for profile in facts.profiles if profile.HasField("enabled")]
    denying = [profile for profile in facts.profiles if profile.HasField("inbound_denied_by_default")]
    if len(known) == len(_PROFILES):
        facts.active = all(profile.enabled for profile in known)
    if len(denying) == len(_PROFILES):
        facts.inbound_denied_by_default = all(profile.inbound_denied_by_default for profile in denying)
    if any(profile.enabled for profile in known):
        facts.engines.append("windows")
    if not facts.active and _has_another(host):
        facts.active = True
        facts.ClearField("inbound_denied_by_default")
        facts.engines.append("other")
    return Observation(facts, attributes.detail(facts, {"active": "pare-feu actif"}))


def _is_stopped(host: Host) -> bool:
    """Return whether the service control manager knows that the firewall's service does not run."""
    try:
        service = host.win32().service(_SERVICE)
    except (NotPermitted, Unsupported):
        return False
    return service is not None and service.state == _STOPPED


def _profile(attributes: Attributes, name: str, places: tuple[str, ...]) -> FirewallProfile:
    profile = FirewallProfile(name=name)
    # Absent everywhere, a profile is on and denies (EnableFirewall 1, DefaultInboundAction 1: Windows' own defaults).
    enabled = attributes.first_dword(places, "EnableFirewall", 1)
    action = attributes.first_dword(places, "DefaultInboundAction", _BLOCK)
    fill(profile, enabled=None if enabled is None else enabled == 1)
    if enabled is not None and action is not None:
        profile.inbound_denied_by_default = enabled == 1 and action == _BLOCK
    return profile


def _has_another(host: Host) -> bool:
    """Return whether the Security Center knows a firewall of another maker that is on; servers have no such center."""
    try:
        products = host.win32().security_products("firewall")
    except (NotPermitted, Unsupported):
        return False
    # Windows lists its own too, whose translated name keeps the word.
    return any(product.state == _PRODUCT_ON and "windows" not in product.name.lower() for product in products)


def _read(host: Host) -> Ruleset:
    ruleset = Ruleset()
    nftables = _output(host, "nft", "-j", "list", "ruleset")
    native = parse_nftables(nftables) if nftables else {}
    if nftables is None:
        ruleset.unseen.append("nft n'est pas installé : des règles nftables peuvent échapper à ce relevé.")
    answered = nftables is not None
    for family, program, legacy_program, legacy_names in _IPTABLES:
        saved = _output(host, program)
        answered |= saved is not None
        if saved:
            tables = parse_iptables(saved, family)
            ruleset.iptables += tables.values()
            if _OVER_NFTABLES in saved:
                # nft shows these chains too, less well, beside those that others put into the same tables.
                for name in tables.keys() & {name for of, name in native if of == family}:
                    native[family, name] = native[family, name].without(tables[name].chains)
        if not (host.read_text(legacy_names) or "").strip() or (saved and _OVER_NFTABLES not in saved):
            continue
        legacy = _output(host, legacy_program)
        if legacy is None:
            ruleset.unseen.append(f"{legacy_program} n'est pas installé : des règles iptables échappent à ce relevé.")
        else:
            ruleset.iptables += parse_iptables(legacy, family).values()
    if not answered:
        raise Unsupported("Aucun programme ne montre les règles du pare-feu : installer nftables (commande nft).")
    ruleset.nftables += native.values()
    return ruleset


def _output(host: Host, *argv: str) -> str | None:
    """Return what a program prints, or None when it is not installed."""
    try:
        # No rule at all is a silent answer.
        result = host.run(*argv, may_be_silent=True)
    except Unsupported:
        return None
    if result.status == 0:
        return result.stdout
    # The host runs programs untranslated.
    if "Operation not permitted" in result.stderr or "Permission denied" in result.stderr:
        raise NotPermitted("Seul l'administrateur voit les règles du pare-feu : relancer l'agent avec sudo.")
    if "Protocol not supported" in result.stderr:
        # This kernel has no such engine, hence no rules in it.
        return ""
    raise Unreadable(f"{argv[0]} a échoué (code {result.status}).")


PROBE = Probe(
    name="firewall",
    observe=observe,
    about="Pare-feu du poste, tel qu'il agit.",
    administrator="les règles chargées (Linux)",
    reads=(_IPV6_ADDRESSES, "/proc/net/ip_tables_names", "/proc/net/ip6_tables_names"),
    commands=("nft", *(program for _, *programs, _ in _IPTABLES for program in programs), "socketfilterfw"),
    registry=(f"{_SERVICES}\\{_SERVICE}", *(place for places in _PROFILES.values() for place in places)),
    win32=("security_products", "service"),
)
