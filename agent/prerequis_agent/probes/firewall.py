"""Observes what the host's own firewall does, in effect: the rules in the kernel, not the state of a service.

Traffic is denied by default when every packet of PACKETS that no rule speaks of is dropped or rejected by some chain
that filters inbound traffic: one deny is enough, and IPv4 closed with IPv6 open is open.
"""

from dataclasses import dataclass, field

from prerequis.v1.facts_pb2 import Firewall
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
    if host.platform != "linux":
        raise Unsupported("Le pare-feu n'est pas encore relevé sur ce système.")
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
    reads=(_IPV6_ADDRESSES, "/proc/net/ip_tables_names", "/proc/net/ip6_tables_names"),
    commands=("nft", *(program for _, *programs, _ in _IPTABLES for program in programs)),
)
