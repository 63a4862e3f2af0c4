from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerequis.v1.exposure_pb2 import Tunnel, Vpn
from prerequis_agent.errors import Unreadable
from prerequis_agent.host import Host
from prerequis_agent.probe import Probe
from prerequis_agent.probes.vpn import PROBE, parse_phone_book, parse_scutil


def test_each_machine_shows_its_tunnels(check: Callable[[Probe], None]) -> None:
    check(PROBE)


def test_the_tunnels_here_are_the_files_of_wireguard_and_openvpn() -> None:
    facts = PROBE.observe(Host()).facts
    assert isinstance(facts, Vpn)
    files = [*Path("/etc/wireguard").glob("*.conf"), *Path("/etc/openvpn").rglob("*.conf")]
    if not Path("/etc/NetworkManager").exists():
        assert len(facts.tunnels) == len(files)


@pytest.mark.parametrize(
    ("strategy", "kind"), [("1", Tunnel.PPTP), ("2", Tunnel.AUTOMATIC), ("7", Tunnel.IKEV2), ("0", Tunnel.AUTOMATIC)]
)
def test_only_a_strategy_without_a_choice_names_a_protocol(strategy: str, kind: Tunnel.Kind.ValueType) -> None:
    book = f"[Siège]\r\nType=2\r\nVpnStrategy={strategy}\r\nIpPrioritizeRemote=1\r\n"
    assert parse_phone_book(book) == [Tunnel(kind=kind, split=False)]


def test_a_modem_is_no_tunnel() -> None:
    assert parse_phone_book("[Modem]\nType=1\nVpnStrategy=1\n") == []


def test_an_empty_answer_of_macos_is_not_the_absence_of_tunnels() -> None:
    with pytest.raises(Unreadable):
        parse_scutil("")
    assert parse_scutil("Available network connection services in the current set (*=enabled):\n") == []


@given(st.text() | st.text("[]Type=2VpnStrategy\r\n"))
def test_any_text_is_a_phone_book(text: str) -> None:
    assert len(parse_phone_book(text)) <= text.count("[")
