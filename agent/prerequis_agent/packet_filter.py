"""What a Linux packet filter does to new inbound traffic, in the two dialects in which it shows its rules.

The question is always the same: a first packet, of each kind in PACKETS, comes from outside for a port that no rule
speaks of. A rule that it meets for certain decides; a rule about some address or port is an exception and does not; the
policy of the chain decides at the end.
"""

import itertools
import json
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from prerequis_agent.errors import ParseError

Packet = tuple[str, str]
FAMILIES = ("ip", "ip6")
PROTOCOLS = ("tcp", "udp")
PACKETS: frozenset[Packet] = frozenset(itertools.product(FAMILIES, PROTOCOLS))
"""A family and a protocol, as nftables names them."""

# The kernel refuses deeper jumps (NFT_JUMP_STACK_SIZE).
_DEEPEST = 16

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]


class Match(Enum):
    """Whether the packet meets the conditions of a rule."""

    ALWAYS = auto()
    NEVER = auto()
    EXCEPTION = auto()
    """Only a packet with some address or port meets them."""
    ILLEGIBLE = auto()
    """The dialect does not show the condition."""


class Action(Enum):
    """What a rule does with a packet that meets its conditions."""

    NOTHING = auto()
    ACCEPT = auto()
    DENY = auto()
    RETURN = auto()
    JUMP = auto()
    GOTO = auto()
    ELSEWHERE = auto()
    """A program or an extension decides, and the rules do not tell how."""


class Fate(Enum):
    """What becomes of the packet."""

    ACCEPTED = auto()
    DENIED = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a chain."""

    match: Match
    action: Action
    target: str = ""
    """The chain to go on with, for JUMP and GOTO."""
    packets: frozenset[Packet] = PACKETS
    """The kinds of packet that it concerns."""


@dataclass(slots=True)
class Chain:
    """A list of rules; a chain that filters inbound traffic has a policy, the others have none."""

    policy: Action | None = None
    rules: list[Rule] = field(default_factory=list)


@dataclass(slots=True)
class Table:
    """The chains by name, which can jump to each other, and the families whose packets pass through them."""

    families: tuple[str, ...]
    chains: dict[str, Chain] = field(default_factory=dict)

    @property
    def is_legible(self) -> bool:
        """Whether the dialect shows every condition and every target."""
        return all(rule.match is not Match.ILLEGIBLE for chain in self.chains.values() for rule in chain.rules)

    @property
    def is_loaded(self) -> bool:
        """Whether it does anything at all."""
        return any(chain.rules or chain.policy is Action.DENY for chain in self.chains.values())

    def without(self, names: Iterable[str]) -> "Table":
        """Return the table without some of its chains."""
        return Table(self.families, {name: chain for name, chain in self.chains.items() if name not in set(names)})

    def fates(self, packet: Packet) -> list[Fate]:
        """Return what becomes of a packet in each chain that filters inbound traffic."""
        if packet[0] not in self.families:
            return []
        return [
            self._walk(chain, packet, _DEEPEST) or _FATES[chain.policy]
            for chain in self.chains.values()
            if chain.policy is not None
        ]

    def denies_something(self) -> bool:
        """Return whether some inbound packet is denied, be it by a rule about one address."""
        reached = {name for name, chain in self.chains.items() if chain.policy is not None}
        waiting = list(reached)
        while waiting:
            chain = self.chains.get(waiting.pop(), Chain())
            if chain.policy is Action.DENY or any(rule.action is Action.DENY for rule in chain.rules):
                return True
            next_chains = {rule.target for rule in chain.rules if rule.target} - reached
            reached |= next_chains
            waiting += next_chains
        return False

    def _walk(self, chain: Chain, packet: Packet, depth: int) -> Fate | None:
        """Return the fate that the rules of a chain decide, or None when they leave it to the chain that jumped."""
        if not depth:
            return Fate.UNKNOWN
        for rule in chain.rules:
            if rule.match in (Match.NEVER, Match.EXCEPTION) or packet not in rule.packets:
                continue
            if rule.action in (Action.JUMP, Action.GOTO):
                fate = self._walk(self.chains.get(rule.target, Chain()), packet, depth - 1)
                if fate is not None and rule.match is Match.ILLEGIBLE:
                    return Fate.UNKNOWN
                if fate is not None or rule.action is Action.GOTO:
                    return fate
            elif rule.action is Action.RETURN and rule.match is Match.ALWAYS:
                return None
            elif rule.action is not Action.NOTHING:
                return _FATES[rule.action] if rule.match is Match.ALWAYS else Fate.UNKNOWN
        return None


_FATES: Mapping[Action | None, Fate] = {
    Action.ACCEPT: Fate.ACCEPTED,
    Action.DENY: Fate.DENIED,
    Action.ELSEWHERE: Fate.UNKNOWN,
}


def parse_iptables(text: str, family: str) -> dict[str, Table]:
    """Return the tables that iptables-save or ip6tables-save prints, by name; raises ParseError on another form.

    Only the chain INPUT of the table filter is taken for a filter of inbound traffic.
    """
    tables: dict[str, Table] = {}
    table: Table | None = None
    for line in text.splitlines():
        if line.startswith("*"):
            table = tables.setdefault(line[1:].strip(), Table((family,)))
        elif line.startswith(":") and table is not None:
            name, _, rest = line[1:].partition(" ")
            is_inbound = name == "INPUT" and table is tables.get("filter")
            policy = (Action.DENY if rest.startswith("DROP") else Action.ACCEPT) if is_inbound else None
            table.chains[name] = Chain(policy)
        elif line.startswith("-A ") and table is not None:
            name, rule = _iptables_rule(line)
            table.chains.setdefault(name, Chain()).rules.append(rule)
        elif line.strip() and not line.startswith(("#", "COMMIT")):
            raise ParseError("iptables-save répond sous une forme inattendue.")
    return tables


_IPTABLES_ACTIONS = {
    "ACCEPT": Action.ACCEPT, "DROP": Action.DENY, "REJECT": Action.DENY, "RETURN": Action.RETURN,
    "QUEUE": Action.ELSEWHERE, "NFQUEUE": Action.ELSEWHERE, "TARPIT": Action.DENY,
}  # fmt: skip
# Other targets in capitals mark, count or log the packet and let it go on; user chains may be in capitals too.
_IPTABLES_EXTENSIONS = frozenset(
    {"AUDIT", "CLASSIFY", "CONNMARK", "CONNSECMARK", "CT", "DSCP", "HMARK", "LED", "LOG", "MARK", "NFLOG", "NOTRACK",
     "SECMARK", "SET", "TCPMSS", "TCPOPTSTRIP", "TOS", "TRACE", "TTL", "HL", "ULOG"}
)  # fmt: skip
_NEUTRAL_MODULES = frozenset({"comment", "conntrack", "state", "tcp", "udp"})


def _iptables_rule(line: str) -> tuple[str, Rule]:
    try:
        words = shlex.split(line)
    except ValueError:
        raise ParseError("iptables-save répond sous une forme inattendue.") from None
    if len(words) < 2:
        raise ParseError("iptables-save répond sous une forme inattendue.")
    matches: list[Match] = []
    packets = PACKETS
    action, target = Action.NOTHING, ""
    rest: Iterator[str] = iter(words[2:])
    negated = False
    for word in rest:
        if word == "!":
            negated = True
            continue
        if word in ("-j", "-g"):
            target = next(rest, "")
            action = _iptables_action(target, is_goto=word == "-g")
            # What follows are options of the target.
            break
        if word == "-p":
            packets &= _of_protocols([next(rest, "")], negated=negated)
        else:
            matches.append(_iptables_match(word, rest, negated=negated))
        negated = False
    is_chain = action in (Action.JUMP, Action.GOTO)
    return words[1], Rule(_all(matches), action, target if is_chain else "", packets)


def _iptables_action(target: str, *, is_goto: bool) -> Action:
    if is_goto:
        return Action.GOTO
    if target in _IPTABLES_EXTENSIONS:
        return Action.NOTHING
    return _IPTABLES_ACTIONS.get(target, Action.JUMP)


def _iptables_match(word: str, rest: Iterator[str], *, negated: bool) -> Match:
    if word == "-m":
        return Match.ALWAYS if next(rest, "") in _NEUTRAL_MODULES else Match.EXCEPTION
    if word == "--comment":
        next(rest, "")
        return Match.ALWAYS
    if word == "-i":
        return _from_interface(next(rest, ""), negated=negated)
    if word in ("--ctstate", "--state"):
        return _in_state(next(rest, "").lower().split(","), negated=negated)
    return Match.EXCEPTION


def _from_interface(name: str, *, negated: bool) -> Match:
    if name == "lo":
        return Match.ALWAYS if negated else Match.NEVER
    return Match.EXCEPTION


def _in_state(states: Iterable[str], *, negated: bool) -> Match:
    return Match.ALWAYS if ("new" in set(states)) != negated else Match.NEVER


def _of_protocols(protocols: Iterable[str], *, negated: bool = False) -> frozenset[Packet]:
    asked = frozenset(itertools.product(FAMILIES, protocols))
    return PACKETS - asked if negated else PACKETS & asked


def _all(matches: Sequence[Match]) -> Match:
    """Return whether the packet meets all of several conditions."""
    for decisive in (Match.NEVER, Match.EXCEPTION, Match.ILLEGIBLE):
        if decisive in matches:
            return decisive
    return Match.ALWAYS


def parse_nftables(text: str) -> dict[tuple[str, str], Table]:
    """Return the tables that `nft -j list ruleset` prints, by family and name; raises ParseError on another form.

    The form is that of libnftables-json(5).
    """
    try:
        document: Json = json.loads(text)
    except (ValueError, RecursionError):
        raise ParseError("nft ne répond pas en JSON.") from None
    tables: dict[tuple[str, str], Table] = {}
    try:
        for item in _list(_dict(document)["nftables"]):
            for kind, value in _dict(item).items():
                if kind in ("table", "chain", "rule"):
                    _add(tables, kind, _dict(value))
    except (KeyError, TypeError, ValueError):
        raise ParseError("nft répond sous une forme inattendue.") from None
    return tables


def _add(tables: dict[tuple[str, str], Table], kind: str, value: Mapping[str, Json]) -> None:
    family = str(value["family"])
    name = str(value["name"] if kind == "table" else value["table"])
    families: tuple[str, ...] = FAMILIES if family == "inet" else (family,)
    table = tables.setdefault((family, name), Table(families))
    if kind == "chain":
        is_inbound = value.get("hook") == "input" and value.get("type") == "filter"
        policy = (Action.DENY if value.get("policy") == "drop" else Action.ACCEPT) if is_inbound else None
        table.chains[str(value["name"])] = Chain(policy)
    elif kind == "rule":
        table.chains.setdefault(str(value["chain"]), Chain()).rules.append(_nftables_rule(_list(value["expr"])))


_NFTABLES_ACTIONS = {
    "accept": Action.ACCEPT, "drop": Action.DENY, "reject": Action.DENY, "return": Action.RETURN,
    "jump": Action.JUMP, "goto": Action.GOTO, "queue": Action.ELSEWHERE, "synproxy": Action.ELSEWHERE,
}  # fmt: skip
# Statements that leave the packet alone.
_NFTABLES_REMARKS = frozenset({"counter", "log", "notrack", "mangle", "ct helper", "set", "map", "flow", "dup"})


def _nftables_rule(statements: Sequence[Json]) -> Rule:
    matches: list[Match] = []
    packets = PACKETS
    action, target = Action.NOTHING, ""
    for statement in statements:
        for kind, value in _dict(statement).items():
            if kind == "match":
                condition = _dict(value)
                concerned = _concerned(condition)
                if concerned is None:
                    matches.append(_nftables_match(condition))
                else:
                    packets &= concerned
            elif kind == "vmap":
                action, target = _decide_by_state(_dict(value))
                matches.append(Match.ALWAYS if action is not Action.NOTHING else Match.EXCEPTION)
            elif kind in _NFTABLES_ACTIONS:
                action = _NFTABLES_ACTIONS[kind]
                target = str(_dict(value)["target"]) if action in (Action.JUMP, Action.GOTO) else ""
            elif kind == "xt":
                # An extension of iptables: nft shows neither its condition nor what its target does.
                matches.append(Match.ILLEGIBLE)
                is_target = not isinstance(value, Mapping) or value.get("type") == "target"
                action = Action.ELSEWHERE if is_target else action
            elif kind not in _NFTABLES_REMARKS:
                matches.append(Match.EXCEPTION)
    return Rule(_all(matches), action, target, packets)


def _concerned(condition: Mapping[str, Json]) -> frozenset[Packet] | None:
    """Return the kinds of packet that a condition lets through, or None when it asks for something else."""
    left, negated = condition["left"], condition.get("op") == "!="
    if left == {"meta": {"key": "nfproto"}}:
        families = [{"ipv4": "ip", "ipv6": "ip6"}.get(value, "") for value in _values(condition["right"])]
        asked = frozenset(itertools.product(families, PROTOCOLS))
        return PACKETS - asked if negated else PACKETS & asked
    if left in (
        {"meta": {"key": "l4proto"}},
        {"payload": {"protocol": "ip", "field": "protocol"}},
        {"payload": {"protocol": "ip6", "field": "nexthdr"}},
    ):
        return _of_protocols(_values(condition["right"]), negated=negated)
    return None


def _values(right: Json) -> list[str]:
    """Return the values of one side of a comparison: one, a list or a set of them."""
    if isinstance(right, Mapping):
        right = right["set"]
    return [str(value) for value in right] if isinstance(right, list) else [str(right)]


def _nftables_match(condition: Mapping[str, Json]) -> Match:
    left, right = condition["left"], condition["right"]
    negated = condition.get("op") == "!="
    if left in ({"meta": {"key": "iifname"}}, {"meta": {"key": "iif"}}) and isinstance(right, str):
        return _from_interface(right, negated=negated)
    if left == {"ct": {"key": "state"}}:
        return _in_state(_values(right), negated=negated)
    return Match.EXCEPTION


def _decide_by_state(verdicts: Mapping[str, Json]) -> tuple[Action, str]:
    """Return what a verdict map does with a new connection; one about something else than the state does nothing."""
    data = verdicts["data"]
    if verdicts["key"] != {"ct": {"key": "state"}} or not isinstance(data, Mapping):
        return Action.NOTHING, ""
    for element in _list(data["set"]):
        state, verdict = _list(element)
        if state == "new":
            (kind, value), *_ = _dict(verdict).items()
            action = _NFTABLES_ACTIONS[kind]
            return action, str(_dict(value)["target"]) if action in (Action.JUMP, Action.GOTO) else ""
    return Action.NOTHING, ""


def _dict(value: Json) -> Mapping[str, Json]:
    if not isinstance(value, Mapping):
        raise TypeError
    return value


def _list(value: Json) -> Sequence[Json]:
    if not isinstance(value, list):
        raise TypeError
    return value
