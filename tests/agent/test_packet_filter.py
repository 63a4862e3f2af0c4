import json

from hypothesis import given
from hypothesis import strategies as st

from prerequis_agent.errors import ParseError
from prerequis_agent.packet_filter import (
    PACKETS,
    Action,
    Chain,
    Fate,
    Match,
    Rule,
    Table,
    parse_iptables,
    parse_nftables,
)

_WORDS = st.sampled_from(
    ["-A", "INPUT", "-j", "-g", "ACCEPT", "DROP", "LOG", "chain", "!", "-i", "lo", "-p", "tcp", "-m", "conntrack",
     "--ctstate", "NEW", "--comment", '"', "'", "*filter", ":INPUT DROP", "COMMIT"]
)  # fmt: skip
_KEYS = (
    "match", "left", "right", "op", "ct", "meta", "key", "set", "vmap", "data", "jump", "goto", "target", "accept",
    "xt",
)  # fmt: skip
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("lonew", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=3),
    max_leaves=12,
)


def _fates(table: Table) -> set[Fate]:
    return {fate for packet in PACKETS for fate in table.fates(packet)}


@given(st.lists(st.lists(_WORDS, max_size=8).map(" ".join)).map("\n".join) | st.text())
def test_any_text_is_tables_or_a_parse_error(text: str) -> None:
    for dialect in ("iptables", "nftables"):
        try:
            tables = parse_iptables(text, "ip").values() if dialect == "iptables" else parse_nftables(text).values()
            for table in tables:
                assert _fates(table) <= set(Fate)
        except ParseError as problem:
            assert str(problem).endswith(".")


@given(_JSON, st.lists(_JSON))
def test_any_json_is_tables_or_a_parse_error(one: object, several: list[object]) -> None:
    chain = {"family": "inet", "table": "t", "name": "c", "type": "filter", "hook": "input", "policy": "accept"}
    for rules in (one, several, [one], {"rule": one}):
        rule = {"family": "inet", "table": "t", "chain": "c", "expr": rules}
        for document in (rules, {"nftables": rules}, {"nftables": [{"chain": chain}, {"rule": rule}]}):
            try:
                for table in parse_nftables(json.dumps(document)).values():
                    assert _fates(table) <= set(Fate)
            except ParseError as problem:
                assert str(problem).endswith(".")


def test_chains_that_call_each_other_for_ever_decide_nothing() -> None:
    jump = Rule(Match.ALWAYS, Action.JUMP, "b")
    back = Rule(Match.ALWAYS, Action.JUMP, "a")
    table = Table(("ip",), {"a": Chain(Action.ACCEPT, [jump]), "b": Chain(None, [back])})
    assert table.fates(("ip", "tcp")) == [Fate.UNKNOWN]
    assert not table.denies_something()


@given(st.sampled_from([Action.ACCEPT, Action.DENY]), st.lists(st.sampled_from([Match.NEVER, Match.EXCEPTION])))
def test_exceptions_leave_the_decision_to_the_policy(policy: Action, matches: list[Match]) -> None:
    rules = [Rule(match, action) for match in matches for action in (Action.ACCEPT, Action.DENY, Action.ELSEWHERE)]
    fate = Fate.DENIED if policy is Action.DENY else Fate.ACCEPTED
    assert Table(("ip",), {"INPUT": Chain(policy, rules)}).fates(("ip", "udp")) == [fate]
