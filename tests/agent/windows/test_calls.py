"""CIM and the calls of the Windows API, for real; what Wine lacks is marked one by one."""

import sys

assert sys.platform == "win32"

import locale
from collections.abc import Callable

import pytest

from prerequis_agent.errors import ProbeError, Unreadable, Unsupported
from prerequis_agent.host import Host
from prerequis_agent.windows.api import Win32


@pytest.fixture
def win32() -> Win32:
    return Host().win32()


def test_a_class_of_cim_gives_its_properties_typed() -> None:
    (system,) = Host().cim("root/cimv2", "Win32_OperatingSystem", "BuildNumber", "ProductType", "OSLanguage")
    assert system == {"BuildNumber": "18362", "ProductType": 1, "OSLanguage": 1036}


def test_a_condition_keeps_the_objects_that_fulfil_it() -> None:
    rows = Host().cim("root/cimv2", "Win32_Service", "Name", "State", where={"Name": "RpcSs"})
    assert rows == [{"Name": "RpcSs", "State": "Running"}]
    assert Host().cim("root/cimv2", "Win32_Service", "Name", where={"Name": "PrerequisAbsent"}) == []


@pytest.mark.parametrize(
    ("namespace", "name"),
    [
        ("root/SecurityCenter2", "AntiVirusProduct"),
        ("root/Microsoft/Windows/Defender", "MSFT_MpComputerStatus"),
        ("root/cimv2/Security/MicrosoftVolumeEncryption", "Win32_EncryptableVolume"),
    ],
)
def test_a_namespace_that_this_windows_lacks_is_not_supported(namespace: str, name: str) -> None:
    with pytest.raises(Unsupported, match=name):
        Host().cim(namespace, name, "Name")


def test_a_property_that_this_windows_lacks_is_not_supported() -> None:
    with pytest.raises(Unsupported, match="Win32_OperatingSystem"):
        Host().cim("root/cimv2", "Win32_OperatingSystem", "NoSuchProperty")


def test_a_service_is_known_by_its_name_and_an_absent_one_is_none(win32: Win32) -> None:
    running = win32.service("RpcSs")
    assert running and running.state == 4
    assert running.start in (2, 3)
    assert win32.service("PrerequisAbsent") is None


def test_a_file_tells_its_version_and_another_has_none(win32: Win32) -> None:
    version = win32.file_version(r"C:\windows\system32\kernel32.dll")
    assert version and version.startswith("10.0.18362.")
    assert win32.file_version(r"C:\windows\absent.dll") is None
    assert win32.file_version(r"C:\windows\win.ini") is None


def test_the_account_at_the_screen_is_the_one_of_this_process(win32: Win32) -> None:
    user = win32.console_user()
    assert user and user.sid and user.sid.startswith(win32.machine_sid() + "-")
    assert user.administrator is win32.token().administrator is True
    assert win32.token().elevated


def test_what_needs_no_library_answers(win32: Win32) -> None:
    assert win32.join_status() in (1, 2)
    assert win32.power_status().ac_line in (0, 1, 255)
    assert win32.screen_size().width >= 640
    assert win32.remote_session() is False
    assert win32.wlan_interfaces() == []


GAPS: list[tuple[str, Callable[[Win32], object], type[ProbeError]]] = [
    ("NetUserModalsGet", lambda win32: win32.password_policy(), Unreadable),
    ("NetUserEnum", lambda win32: win32.local_accounts(), Unsupported),
    ("NetLocalGroupGetMembers", lambda win32: win32.administrators(), Unsupported),
    ("WSCProductList", lambda win32: win32.security_products("antivirus"), Unsupported),
    ("Microsoft.Update.AutoUpdate", lambda win32: win32.update_results(), Unsupported),
    ("AuditEnumerateSubCategories", lambda win32: win32.audit_policy(), Unsupported),
    ("GetKeyProtectors", lambda win32: win32.key_protectors("C:"), Unsupported),
    ("GetFirmwareType", lambda win32: win32.firmware_type(), Unsupported),
    ("WlanOpenHandle", lambda win32: win32.wlan_connection("d1a8a5d0-0000-0000-0000-000000000000"), Unsupported),
]


@pytest.mark.parametrize(("name", "ask", "error"), GAPS, ids=[name for name, *_ in GAPS])
def test_what_wine_lacks_is_one_french_sentence(
    win32: Win32, name: str, ask: Callable[[Win32], object], error: type[ProbeError]
) -> None:
    with pytest.raises(error) as caught:
        ask(win32)
    assert str(caught.value).endswith(".")
    assert "Windows" in str(caught.value)


def test_this_windows_is_french() -> None:
    assert Host().cim("root/cimv2", "Win32_OperatingSystem", "CountryCode", "CodeSet") == [
        {"CountryCode": "33", "CodeSet": "1252"}
    ]
    assert locale.windows_locale[1036] == "fr_FR"
    page = Host().registry_value(r"HKLM\SYSTEM\CurrentControlSet\Control\Nls\CodePage", "OEMCP")
    assert page == "850"
