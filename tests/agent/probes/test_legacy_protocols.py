import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.probes.windows_fixture import FixtureWindows

from prerequis.v1.exposure_pb2 import LegacyProtocols
from prerequis_agent.errors import Unreadable
from prerequis_agent.host import Host
from prerequis_agent.probe import Probe
from prerequis_agent.probes.legacy_protocols import PROBE, parse_netstat, parse_samba, servers_on

_SERVER = r"HKLM\SYSTEM\CurrentControlSet\Services\LanmanServer\Parameters"
_FEATURES = "root/cimv2:Win32_OptionalFeature"


def _observe(root: Path, story: dict[str, Any]) -> LegacyProtocols:
    facts = PROBE.observe(Host(root, "win32", windows=FixtureWindows(story))).facts
    assert isinstance(facts, LegacyProtocols)
    return facts


def test_each_machine_shows_its_old_protocols(check: Callable[[Probe], None]) -> None:
    check(PROBE)


@pytest.mark.skipif(not Path("/usr/bin/ss").exists(), reason="ss is the independent witness")
def test_the_listeners_here_are_those_of_ss() -> None:
    facts = PROBE.observe(Host()).facts
    assert isinstance(facts, LegacyProtocols)

    def ports(kind: str) -> set[int]:
        told = subprocess.run(["ss", "-Hnl", kind], capture_output=True, check=True, text=True).stdout
        places = [line.split()[3].rpartition(":") for line in told.splitlines()]
        return {int(port) for address, _, port in places if not address.startswith(("127.", "[::1]")) and port != "*"}

    tcp, udp = ports("-t"), ports("-u")
    assert list(facts.servers.names) == servers_on(tcp, udp)
    assert (facts.llmnr, facts.netbios) == (5355 in udp, 137 in udp)


def test_trap_t12_the_name_of_a_feature_is_case_sensitive(tmp_path: Path) -> None:
    for name, served in (("SMB1Protocol", True), ("smb1protocol", False)):
        assert _observe(tmp_path, {"cim": {_FEATURES: [{"Name": name, "InstallState": 1}]}}).smb1_server == served


def test_what_neither_registry_nor_feature_tells_of_smb1_is_not_known(tmp_path: Path) -> None:
    assert not _observe(tmp_path, {}).HasField("smb1_server")
    facts = _observe(tmp_path, {"registry": {_SERVER: {"SMB1": 0}}})
    assert facts.HasField("smb1_server") and not facts.smb1_server


def test_trap_t4_the_machines_own_setting_counts_where_no_policy_is(tmp_path: Path) -> None:
    client = r"HKLM\SYSTEM\CurrentControlSet\Services\Dnscache\Parameters"
    assert not _observe(tmp_path, {"registry": {client: {"EnableMulticast": 0}}}).llmnr
    assert _observe(tmp_path, {}).llmnr


def test_an_empty_answer_of_netstat_is_not_the_absence_of_servers() -> None:
    with pytest.raises(Unreadable):
        parse_netstat("")


def test_a_share_does_not_change_what_samba_speaks() -> None:
    text = "[global]\nServer  Min Protocol = SMB3\n[scans]\nserver min protocol = NT1\n"
    assert parse_samba(text)["server min protocol"] == "smb3"


@given(st.sets(st.integers(1, 65535)), st.sets(st.integers(1, 65535)))
def test_only_old_protocols_are_named(tcp: set[int], udp: set[int]) -> None:
    names = servers_on(tcp, udp)
    assert names == sorted(set(names))
    assert ("telnet" in names, "tftp" in names) == (23 in tcp, 69 in udp)


@given(st.text())
def test_any_text_is_a_samba_configuration(text: str) -> None:
    assert all(name == name.lower() for name in parse_samba(text))
