"""The probes of what is installed, on every machine of the fixtures and on this one."""

import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.probes.conftest import fixture_machine

from prerequis.v1.software_pb2 import Driver, Drivers, Updates
from prerequis_agent import programs
from prerequis_agent.errors import ParseError, ProbeError, Unreadable
from prerequis_agent.host import Host
from prerequis_agent.probe import Probe
from prerequis_agent.probes import (
    antivirus,
    applications,
    backup,
    drivers,
    machine,
    printers,
    remote_tools,
    system,
    updates,
)

PROBES = [module.PROBE for module in (
    antivirus, applications, backup, drivers, machine, printers, remote_tools, system, updates,
)]  # fmt: skip

Observe = Callable[[str, Probe], dict[str, Any]]


@pytest.fixture
def observe(tmp_path: Path) -> Observe:
    """Return a function that tells what a probe says of a machine of the software family."""

    def look(name: str, probe: Probe) -> dict[str, Any]:
        return fixture_machine(f"software/{name}", tmp_path).observe(probe)

    return look


@pytest.mark.parametrize("probe", PROBES, ids=[probe.name for probe in PROBES])
def test_each_machine_shows_its_software(check: Callable[[Probe], None], probe: Probe) -> None:
    check(probe)


# What anssi.md calls traps T2, T9, T13 and T16, and rows 16 and 17 of the peers' failures.


def test_windows_11_is_known_by_its_build_since_its_product_name_says_10(observe: Observe) -> None:
    facts = observe("windows-11-24h2-pro", system.PROBE)["facts"]
    assert (facts["build"], facts["release"]) == (26100, "24H2")
    assert "10 Pro" not in str(facts)


def test_no_probe_asks_the_undocumented_security_center_nor_the_incomplete_list_of_fixes() -> None:
    asked = " ".join(name for probe in PROBES for name in probe.cim)
    for trap in ("SecurityCenter2", "QuickFixEngineering", "Win32_Product", "Win32_PnPSignedDriver", "OptionalFeature"):
        assert trap not in asked.replace("SoftwareLicensingProduct", "")


def test_programs_of_32_bits_are_found_beside_those_of_64(observe: Observe) -> None:
    found = {each["id"] for each in observe("windows-11-24h2-pro", applications.PROBE)["facts"]["applications"]}
    assert {"chrome", "edge"} <= found
    old = observe("windows-10-22h2", applications.PROBE)["facts"]["applications"]
    assert {"id": "cryptolib", "version": "5.1.11"} in old


def test_a_reader_counts_with_or_without_a_serial_number_or_a_driver(observe: Observe) -> None:
    readers = [
        each
        for each in observe("windows-11-24h2-pro", drivers.PROBE)["facts"]["drivers"]
        if each["class"] == "SMARTCARD_READER"
    ]
    assert [each["problemCode"] for each in readers] == [0, 28]


def test_all_versions_of_office_say_16_so_the_product_tells_them_apart(observe: Observe) -> None:
    office = observe("windows-10-22h2-esu", applications.PROBE)["facts"]["applications"][-1]
    assert (office["product"], office["channel"]) == ("ProPlus2024Volume", "PerpetualVL2024")


def test_defender_that_steps_back_is_not_active_and_its_name_needs_no_language(observe: Observe) -> None:
    eset, defender = observe("windows-11-25h2-third-party-antivirus", antivirus.PROBE)["facts"]["products"]
    assert (eset["active"], defender["active"], defender["realTime"]) == (True, False, False)


def test_a_windows_that_says_nothing_of_its_antivirus_is_not_one_without(observe: Observe) -> None:
    assert observe("windows-10-22h2-esu", antivirus.PROBE)["error"] == "Unreadable"


def test_a_windows_without_one_uninstall_key_is_not_one_without_programs(tmp_path: Path) -> None:
    host = fixture_machine("software/windows-10-ltsc-2021", tmp_path)
    host.windows._keys = {key: value for key, value in host.windows._keys.items() if "uninstall" not in key}
    with pytest.raises(Unreadable):
        programs.inventory(host)


def test_only_an_activated_licence_is_an_extended_update(observe: Observe) -> None:
    assert observe("windows-10-22h2-esu", system.PROBE)["facts"]["extendedUpdates"] is True


def test_a_licence_that_is_there_but_not_activated_is_none(observe: Observe) -> None:
    assert observe("windows-10-22h2", system.PROBE)["facts"]["extendedUpdates"] is False


def test_an_ordinary_user_is_told_what_an_administrator_would_see(observe: Observe) -> None:
    assert "administrateur" in observe("windows-11-24h2-user", applications.PROBE)["detail"]
    assert observe("windows-11-24h2-user", remote_tools.PROBE)["facts"]["tools"] == ["anydesk"]


def test_an_ordinary_user_knows_the_tpm_by_the_device_that_its_driver_runs(observe: Observe) -> None:
    assert observe("windows-11-24h2-user", machine.PROBE)["facts"]["tpm"] == {"present": True, "versionMajor": 2}


def test_the_package_by_which_ubuntu_hands_over_to_a_snap_is_no_browser(observe: Observe) -> None:
    found = observe("ubuntu-24.04", applications.PROBE)["facts"]["applications"]
    assert [each for each in found if each["id"] in ("firefox", "thunderbird")] == [
        {"id": "firefox", "version": "152.0.1"}
    ]


def test_what_is_on_no_list_is_never_reported(observe: Observe) -> None:
    told = str([observe("windows-11-24h2-pro", probe) for probe in PROBES])
    for planted in ("JEUDECARTES", "Musique", "Rencontres", "Pirate", "Visio", "directrice", "mdurand"):
        assert planted not in told


# This machine.


@pytest.mark.skipif(shutil.which("apt-config") is None, reason="this system has no apt")
def test_apt_installs_by_itself_when_apt_config_says_so() -> None:
    dump = subprocess.run(["apt-config", "dump"], capture_output=True, check=True, text=True).stdout
    said = [line.split('"')[1] for line in dump.splitlines() if line.startswith("APT::Periodic::Unattended-Upgrade ")]
    expected = said not in ([], ["0"]) and Path("/usr/bin/unattended-upgrade").exists()
    facts = updates.PROBE.observe(Host()).facts
    assert isinstance(facts, Updates)
    assert facts.automatic is expected


def test_the_network_drivers_of_this_machine_are_those_of_sysfs() -> None:
    links = sorted(Path("/sys/class/net").glob("*/device/driver"))
    expected = [(link.parts[4], link.resolve().name) for link in links]
    try:
        facts = drivers.PROBE.observe(Host()).facts
    except ProbeError:
        pytest.skip("this system shows no devices")
    assert isinstance(facts, Drivers)
    seen = [(each.device, each.provider) for each in facts.drivers if getattr(each, "class") == Driver.NETWORK]
    assert seen == expected


# Parsers.


@pytest.mark.parametrize(
    ("settings", "automatic"),
    [
        ([], False),
        (['APT::Periodic::Unattended-Upgrade "1";'], True),
        (['APT::Periodic::Unattended-Upgrade "1";', 'APT::Periodic::Unattended-Upgrade "0";'], False),
        (['// APT::Periodic::Unattended-Upgrade "1";'], False),
        (["APT::Periodic::Unattended-Upgrade 7d;"], True),
    ],
)
def test_the_last_setting_of_apt_wins(settings: list[str], automatic: bool) -> None:
    assert updates.parse_apt_settings(settings) is automatic


def test_security_sources_are_found_in_both_forms_and_not_when_switched_off() -> None:
    text = "deb [signed-by=/k] http://a/debian-security bookworm-security main\n#deb http://b x-security main\n"
    assert updates.parse_security_sources(text) == ["http://a/debian-security"]
    stanzas = "URIs: https://c/ubuntu\nSuites: noble-security\n\nEnabled: no\nURIs: http://d\nSuites: noble-security\n"
    assert updates.parse_security_sources(stanzas) == ["https://c/ubuntu"]


@pytest.mark.parametrize(
    ("listens", "remote"),
    [
        ("Listen localhost:631\nListen /run/cups/cups.sock\n", False),
        ("Listen 127.0.0.1:631\nListen [::1]:631\n", False),
        ("Port 631\n", True),
        ("Listen *:631\n", True),
        ("Listen 192.0.2.1:631\n", True),
        ("# Port 631\n", False),
    ],
)
def test_cups_is_open_when_it_listens_elsewhere_than_on_the_machine(listens: str, remote: bool) -> None:
    assert printers.parse_cups_listens(listens) is remote


def test_a_driver_date_is_month_day_year_in_every_language() -> None:
    assert drivers.parse_driver_date("6-21-2006") == datetime(2006, 6, 21, tzinfo=UTC)


@given(st.text() | st.text("0123456789-", max_size=12))
def test_any_text_is_a_driver_date_or_a_parse_error(text: str) -> None:
    try:
        assert drivers.parse_driver_date(text).tzinfo is UTC
    except ParseError as problem:
        assert str(problem).endswith(".")


@pytest.mark.parametrize(
    ("text", "active"),
    [
        ("XProtect launch scans: enabled\nXProtect background scans: enabled\n", True),
        ("XProtect launch scans: enabled\nXProtect background scans: disabled\n", False),
        ("XProtect launch scans: enabled\n", None),
        ("", None),
    ],
)
def test_xprotect_is_active_when_both_scans_are(text: str, active: bool | None) -> None:
    assert antivirus.parse_xprotect(text) is active
