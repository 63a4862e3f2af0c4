"""Tells which Windows this is, by numbers: the product's name is translated, and still says 10 for 11."""

from prerequis.v1.facts_pb2 import System
from prerequis_agent.attributes import Attributes, fill
from prerequis_agent.host import Host
from prerequis_agent.windows.moments import parse_cim_datetime

_VERSION = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
_ENVIRONMENT = r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment"
_WAITING = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion"
_REBOOTS = {
    rf"{_WAITING}\WindowsUpdate\Auto Update": "RebootRequired",
    rf"{_WAITING}\Component Based Servicing": "RebootPending",
}
_OPERATING_SYSTEM = ("root/cimv2", "Win32_OperatingSystem")
_LICENCES = ("root/cimv2", "SoftwareLicensingProduct")
# The application id of Windows among what the licensing service knows.
_WINDOWS_LICENCES: dict[str, str | int | bool] = {
    "ApplicationID": "55c92734-d682-4d71-983e-d6ec3f16059f",
    "LicenseStatus": 1,
}
# Activation ids of the commercial ESU of Windows 10, years 1 to 3
# (https://learn.microsoft.com/windows/whats-new/enable-extended-security-updates); the consumer's leave no trace.
_ESU = frozenset(
    {
        "f520e45e-7413-4a34-a497-d2765967d094",
        "1043add5-23b1-4afb-9a0f-64343c8f3f8d",
        "83d49986-add3-41d7-ba33-87c7bfb5c0fb",
    }
)
# ESU exist for Windows 10 22H2 alone, so that no other machine pays for the question.
_ESU_BUILD = 19045
_PRODUCTS = {"Client": System.WORKSTATION, "Server": System.SERVER, "Server Core": System.SERVER}

REGISTRY = (_VERSION, _ENVIRONMENT, *(rf"{key}\{name}" for key, name in _REBOOTS.items()))
CIM = tuple(":".join(each) for each in (_OPERATING_SYSTEM, _LICENCES))
WIN32 = ("update_results",)


def fill_release(host: Host, attributes: Attributes, facts: System) -> None:
    """Fill in what this Windows tells of itself."""
    facts.family, facts.distribution = System.WINDOWS, "windows"
    build = attributes.string(_VERSION, "CurrentBuildNumber") or ""
    # Before 20H2 ReleaseId told what DisplayVersion tells since; it stays at 2009 ever after.
    release = attributes.string(_VERSION, "DisplayVersion") or attributes.string(_VERSION, "ReleaseId")
    fill(
        facts,
        build=int(build) if build.isdecimal() else None,
        build_revision=attributes.dword(_VERSION, "UBR"),
        release=release,
        edition=attributes.string(_VERSION, "EditionID"),
        product=_PRODUCTS.get(attributes.string(_VERSION, "InstallationType") or ""),
        architecture=attributes.string(_ENVIRONMENT, "PROCESSOR_ARCHITECTURE"),
    )
    major, minor = (attributes.dword(_VERSION, f"Current{part}VersionNumber") for part in ("Major", "Minor"))
    if build and major is not None and minor is not None:
        facts.kernel = f"{major}.{minor}.{build}"
    with attributes.part():
        for row in host.cim(*_OPERATING_SYSTEM, "LastBootUpTime"):
            if isinstance(moment := row["LastBootUpTime"], str):
                facts.booted_at.FromDatetime(parse_cim_datetime(moment))
    with attributes.part():
        # Win32_QuickFixEngineering is never asked: it lists a part of what was installed.
        results = host.win32().update_results()
        if results.installed_at:
            facts.updated_at.FromDatetime(results.installed_at)
        if results.searched_at:
            facts.update_list_at.FromDatetime(results.searched_at)
    fill(facts, reboot_required=_reboot_required(attributes))
    if facts.build == _ESU_BUILD and facts.product == System.WORKSTATION:
        with attributes.part():
            rows = host.cim(*_LICENCES, "ID", where=_WINDOWS_LICENCES)
            # A Windows that lists no licence of its own was not asked well.
            if rows:
                facts.extended_updates = any(str(row["ID"]).lower() in _ESU for row in rows)


def _reboot_required(attributes: Attributes) -> bool | None:
    """Return whether one of the keys that ask for a reboot is there; None where no key of the sort can be seen."""
    waits = {name: attributes.subkeys(key) for key, name in _REBOOTS.items()}
    if any(name in (names or ()) for name, names in waits.items()):
        return True
    # Every Windows has keys beside the one of component servicing.
    return False if waits["RebootPending"] and waits["RebootRequired"] is not None else None
