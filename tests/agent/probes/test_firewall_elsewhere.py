"""The firewalls of Windows and macOS."""

from pathlib import Path
from typing import Any

import pytest
from tests.agent.probes.windows_fixture import FixtureWindows

from prerequis.v1.facts_pb2 import Firewall
from prerequis_agent.host import CommandResult, Host
from prerequis_agent.probes.firewall import PROBE

_LOCAL = r"HKLM\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy"
_POLICY = r"HKLM\SOFTWARE\Policies\Microsoft\WindowsFirewall"
_OFF = {rf"{_LOCAL}\{name}": {"EnableFirewall": 0} for name in ("DomainProfile", "StandardProfile", "PublicProfile")}


def observe_windows(root: Path, **story: Any) -> Firewall:
    facts = PROBE.observe(Host(root, "win32", windows=FixtureWindows(story))).facts
    assert isinstance(facts, Firewall)
    return facts


def test_trap_t4_the_machines_own_setting_counts_where_no_policy_is(tmp_path: Path) -> None:
    facts = observe_windows(tmp_path, registry={rf"{_LOCAL}\StandardProfile": {"EnableFirewall": 0}})
    assert [profile.enabled for profile in facts.profiles] == [True, False, True]
    assert facts.HasField("active") and not facts.active


def test_trap_t4_a_policy_wins_over_the_machines_own_setting(tmp_path: Path) -> None:
    imposed = {
        rf"{_POLICY}\{name}": {"EnableFirewall": 1} for name in ("DomainProfile", "PrivateProfile", "PublicProfile")
    }
    assert observe_windows(tmp_path, registry=_OFF | imposed).active


@pytest.mark.parametrize(
    "story",
    [
        {"registry": {r"HKLM\SYSTEM\CurrentControlSet\Services\mpssvc": {"Start": 4}}},
        {"win32": {"service": {"mpssvc": {"state": 1, "start": 2}}}},
    ],
)
def test_trap_t4_settings_without_their_service_filter_nothing(tmp_path: Path, story: dict[str, Any]) -> None:
    facts = observe_windows(tmp_path, **story)
    assert (facts.active, facts.inbound_denied_by_default, list(facts.engines)) == (False, False, [])


@pytest.mark.parametrize("name", ["Pare-feu Windows", "Windows Defender Firewall", "Windows-Firewall"])
def test_trap_t1_the_firewall_of_windows_is_not_another_in_any_language(tmp_path: Path, name: str) -> None:
    products = {"security_products": {"firewall": [{"name": name, "state": 0, "signatures_current": True}]}}
    assert not observe_windows(tmp_path, registry=_OFF, win32=products).active


def test_another_makers_firewall_counts_only_while_it_is_on(tmp_path: Path) -> None:
    for state, active in ((0, True), (1, False), (2, False), (3, False)):
        product = {"name": "Stormshield", "state": state, "signatures_current": True}
        facts = observe_windows(tmp_path, registry=_OFF, win32={"security_products": {"firewall": [product]}})
        assert facts.active == active


def test_a_refused_policy_leaves_its_profile_not_known(tmp_path: Path) -> None:
    facts = observe_windows(tmp_path, refused=[rf"{_POLICY}\PublicProfile"])
    assert not facts.profiles[2].HasField("enabled")
    assert not facts.HasField("active")


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (0, Firewall(active=False, inbound_denied_by_default=False)),
        (1, Firewall(active=True, engines=["alf"])),
        (2, Firewall(active=True, inbound_denied_by_default=True, engines=["alf"])),
    ],
)
def test_trap_t8_macos_is_asked_for_its_state_and_no_property_list_is_read(
    tmp_path: Path, state: int, expected: Firewall
) -> None:
    line = f"Firewall is {'enabled' if state else 'disabled'}. (State = {state})\n"
    answers = {"socketfilterfw --getglobalstate": CommandResult(0, line, "")}
    assert PROBE.observe(Host(tmp_path, "darwin", answers=answers)).facts == expected
    assert not any("com.apple.alf" in path for path in PROBE.reads)
