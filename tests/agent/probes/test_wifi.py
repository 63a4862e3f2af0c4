from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.probes.windows_fixture import FixtureWindows

from prerequis.v1.exposure_pb2 import Wifi
from prerequis_agent.errors import ParseError
from prerequis_agent.host import Host
from prerequis_agent.network_manager import Connection, parse_keyfile
from prerequis_agent.probe import Probe
from prerequis_agent.probes.wifi import PROBE
from prerequis_agent.wlan import authentication_of, frequency, parse_profile, parse_signal, parse_system_profiler

_PROFILE = (
    "<WLANProfile><name>{name}</name><connectionMode>auto</connectionMode><authentication>{kind}</authentication>"
    "<encryption>{cipher}</encryption><useOneX>{onex}</useOneX></WLANProfile>"
)
_WPA2 = _PROFILE.format(name="Soins &amp; Vie", kind="WPA2PSK", cipher="AES", onex="false")


def _windows(**more: Any) -> FixtureWindows:
    calls = {"wlan_interfaces": [{"guid": "{A}", "state": 1}], "wlan_profiles": {"{A}": [_WPA2]}}
    return FixtureWindows({"win32": calls, "refused": ["win32:wlan_connection"]} | more)


def _observe(root: Path, windows: FixtureWindows) -> tuple[Wifi, str]:
    seen = PROBE.observe(Host(root, "win32", windows=windows))
    assert isinstance(seen.facts, Wifi)
    return seen.facts, seen.detail


def test_each_machine_shows_its_wifi(check: Callable[[Probe], None]) -> None:
    check(PROBE)


def test_this_machine_has_wifi_when_the_kernel_lists_radios() -> None:
    facts = PROBE.observe(Host()).facts
    assert isinstance(facts, Wifi)
    radios = Path("/sys/class/ieee80211")
    assert facts.present == (radios.exists() and any(radios.iterdir()))


def test_trap_t7_without_consent_the_profile_of_the_network_in_use_answers(tmp_path: Path) -> None:
    cim = {"root/StandardCimv2:MSFT_NetConnectionProfile": [{"Name": "Soins & Vie"}, {"Name": "Autre"}]}
    facts, detail = _observe(tmp_path, _windows(cim=cim))
    assert (facts.authentication, facts.cipher, facts.ieee_802_1x) == (Wifi.WPA2_PERSONAL, Wifi.CCMP, False)
    assert "localisation" in detail


def test_trap_t7_without_consent_nor_profile_the_authentication_is_not_known(tmp_path: Path) -> None:
    for cim in ({}, {"root/StandardCimv2:MSFT_NetConnectionProfile": [{"Name": "Autre"}]}):
        facts, detail = _observe(tmp_path, _windows(cim=cim))
        assert facts.connected
        assert not facts.HasField("authentication") and not facts.HasField("cipher")
        assert "localisation" in detail
        assert "Soins" not in detail


def test_a_network_that_enciphers_with_wep_is_not_called_open() -> None:
    profile = parse_profile(_PROFILE.format(name="a", kind="open", cipher="WEP", onex="false"))
    assert profile.authentication == Wifi.WEP
    assert profile.is_weak


@pytest.mark.parametrize(
    ("security", "authentication"),
    [
        ("", Wifi.OPEN),
        ("[wifi-security]\nkey-mgmt=none\n", Wifi.WEP),
        ("[wifi-security]\nkey-mgmt=sae\n", Wifi.WPA3_PERSONAL),
        ("[wifi-security]\nkey-mgmt=wpa-psk\n", None),
        ("[wifi-security]\nkey-mgmt=wpa-psk\nproto=rsn;\n", Wifi.WPA2_PERSONAL),
    ],
)
def test_networkmanager_proves_only_what_it_requires(security: str, authentication: int | None) -> None:
    assert authentication_of(Connection(parse_keyfile(security), active=True)) == authentication


@pytest.mark.parametrize(
    ("channel", "mhz"),
    [
        ("1 (2GHz, 20MHz)", 2412),
        ("14 (2GHz, 20MHz)", 2484),
        ("36 (5GHz, 80MHz)", 5180),
        ("5 (6GHz, 160MHz)", 5975),
        ("36", None),
    ],
)
def test_a_channel_has_its_frequency(channel: str, mhz: int | None) -> None:
    assert frequency(channel) == mhz


@given(st.text(), st.binary())
def test_any_content_is_wifi_or_a_parse_error(text: str, content: bytes) -> None:
    parse_keyfile(text)
    assert parse_signal(text, "wlan0") is None or "wlan0" in text
    with pytest.raises(ParseError):
        parse_profile(text)
    with pytest.raises(ParseError):
        parse_system_profiler(content)
