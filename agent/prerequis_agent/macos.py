"""Tells what a Mac is: its hardware by sysctl, its system by property lists."""

import re
from datetime import UTC, datetime

from prerequis.v1.facts_pb2 import Disk, Disks, Machine, System
from prerequis_agent.attributes import Attributes, fill
from prerequis_agent.errors import ParseError
from prerequis_agent.host import Host
from prerequis_agent.plists import Plist, parse_entries, parse_settings, run_plist

_HARDWARE = (
    "hw.model", "hw.memsize", "hw.physicalcpu", "hw.logicalcpu", "machdep.cpu.brand_string", "kern.hv_vmm_present",
)  # fmt: skip
_SYSTEM = ("kern.osrelease", "kern.boottime", "hw.machine")
_RELEASE = "/System/Library/CoreServices/SystemVersion.plist"
_UPDATES = "/Library/Preferences/com.apple.SoftwareUpdate.plist"
_INSTALLED = "/Library/Receipts/InstallHistory.plist"
# The programs that install what Apple brings out, rather than what somebody downloaded.
_INSTALLERS = frozenset({"softwareupdated", "softwareupdate", "macOS Installer"})

READS = (_RELEASE, _UPDATES, _INSTALLED)
COMMANDS = ("diskutil", "sysctl")


def parse_sysctl(text: str) -> dict[str, str]:
    """Return the values that sysctl gives as `name: value`; raises ParseError when it gives none."""
    found = dict(re.findall(r"^([a-z_.0-9]+): (.*\S)\s*$", text, re.MULTILINE))
    if not found:
        raise ParseError("sysctl ne répond rien.")
    return found


def parse_last_update(content: bytes) -> datetime | None:
    """Return when InstallHistory.plist says that macOS was last updated (UTC), or None; raises ParseError."""
    moments = [
        moment.replace(tzinfo=UTC)
        for entry in parse_entries(content)
        if str(entry.get("processName")) in _INSTALLERS
        and str(entry.get("displayName", "")).startswith(("macOS", "Security Update", "Rapid Security"))
        and isinstance(moment := entry.get("date"), datetime)
    ]
    return max(moments, default=None)


def fill_hardware(host: Host, attributes: Attributes, facts: Machine) -> None:
    """Fill in what this Mac tells of its hardware."""
    with attributes.part():
        said = parse_sysctl(host.run("sysctl", *_HARDWARE).stdout)
        model, virtual = said.get("hw.model"), said.get("kern.hv_vmm_present")
        fill(
            facts,
            manufacturer="Apple",
            model=model,
            processor=said.get("machdep.cpu.brand_string"),
            cores=_number(said.get("hw.physicalcpu")),
            threads=_number(said.get("hw.logicalcpu")),
            memory_bytes=_number(said.get("hw.memsize")),
            is_virtual=None if virtual is None else virtual == "1",
        )
        # Since 2022 the identifier of a portable is Mac14,2 like that of a desktop: only the old name tells.
        if model and model.startswith("MacBook"):
            facts.has_battery = True
    with attributes.part():
        _fill_disks(host, facts)


def _fill_disks(host: Host, facts: Machine) -> None:
    names = run_plist(host, "diskutil", "list", "-plist", "internal", "physical")
    whole = names.get("WholeDisks") if isinstance(names, dict) else None
    if not isinstance(whole, list):
        raise ParseError("diskutil ne liste pas les disques.")
    told = [run_plist(host, "diskutil", "info", "-plist", str(name)) for name in whole]
    facts.disks.CopyFrom(Disks(disks=[disk for each in told if (disk := parse_disk(each))]))


def parse_disk(told: Plist) -> Disk | None:
    """Return the disk that `diskutil info -plist` tells of; None for a card in a slot, which it lists as internal."""
    if not isinstance(told, dict) or told.get("Removable") is True or told.get("RemovableMedia") is True:
        return None
    size, solid = told.get("TotalSize", told.get("Size")), told.get("SolidState")
    disk = Disk()
    if isinstance(size, int):
        disk.size_bytes = size
    # Absent where macOS does not know, as for a disk of a virtual machine.
    if isinstance(solid, bool):
        disk.rotational = not solid
    return disk


def fill_release(host: Host, attributes: Attributes, facts: System) -> None:
    """Fill in what this macOS tells of itself."""
    facts.family, facts.distribution, facts.product = System.MACOS, "macos", System.WORKSTATION
    with attributes.part():
        content = host.read_bytes(_RELEASE)
        version = parse_settings(content).get("ProductVersion") if content else None
        fill(facts, release=version if isinstance(version, str) else None)
    with attributes.part():
        said = parse_sysctl(host.run("sysctl", *_SYSTEM).stdout)
        fill(facts, kernel=said.get("kern.osrelease"), architecture=said.get("hw.machine"))
        booted = re.match(r"\{ sec = ([0-9]{1,11}),", said.get("kern.boottime", ""))
        if booted:
            facts.booted_at.FromSeconds(int(booted[1]))
    with attributes.part():
        content = host.read_bytes(_INSTALLED)
        updated = parse_last_update(content) if content else None
        if updated:
            facts.updated_at.FromDatetime(updated)
    with attributes.part():
        content = host.read_bytes(_UPDATES)
        listed = parse_settings(content).get("LastSuccessfulDate") if content else None
        if isinstance(listed, datetime):
            facts.update_list_at.FromDatetime(listed.replace(tzinfo=UTC))


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None
