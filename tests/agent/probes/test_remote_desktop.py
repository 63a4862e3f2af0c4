import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.probes.conftest import fixture_machine

from prerequis.v1.access_pb2 import RemoteDesktop
from prerequis_agent.attributes import Attributes
from prerequis_agent.host import Host
from prerequis_agent.launchd import parse_disabled
from prerequis_agent.listeners import listened_ports, parse_listeners
from prerequis_agent.probe import Probe
from prerequis_agent.probes.remote_desktop import PROBE


def test_each_machine_shows_its_remote_desktop(check: Callable[[Probe], None]) -> None:
    check(PROBE)


def test_the_value_in_force_is_the_policy_s_where_there_is_one_and_else_the_machine_s(tmp_path: Path) -> None:
    """Trap T4: a check that reads the policy alone passes a machine whose own setting is open."""
    imposed = PROBE.observe(fixture_machine("access/windows-11-24h2-pro-joined", tmp_path / "imposed")).facts
    own = PROBE.observe(fixture_machine("access/windows-10-22h2-not-admin", tmp_path / "own")).facts
    assert isinstance(imposed, RemoteDesktop)
    assert isinstance(own, RemoteDesktop)
    assert imposed.network_level_authentication
    assert own.enabled
    assert not own.network_level_authentication


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="only Linux has /proc/net/tcp")
def test_a_listener_of_this_machine_is_seen_unless_it_listens_to_the_loopback_alone() -> None:
    with socket.create_server(("0.0.0.0", 0)) as everywhere, socket.create_server(("127.0.0.1", 0)) as here:  # noqa: S104
        ports = listened_ports(Attributes(Host()))
        assert ports is not None
        assert everywhere.getsockname()[1] in ports
        assert here.getsockname()[1] not in ports


@given(st.text() | st.text("0123456789ABCDEF: \n"))
def test_any_text_is_a_table_of_listeners_and_of_services(text: str) -> None:
    assert all(port >= 0 for port in parse_listeners(text))
    assert isinstance(parse_disabled(text), dict)
