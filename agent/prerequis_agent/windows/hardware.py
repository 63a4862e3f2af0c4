"""Tells the hardware of a Windows machine from the registry, CIM and the firmware; no serial number is read."""

import re

from prerequis.v1.facts_pb2 import Disk, Disks, Machine, Tpm
from prerequis_agent.attributes import Attributes, fill
from prerequis_agent.errors import NotPermitted, Unsupported
from prerequis_agent.host import Host
from prerequis_agent.windows.api import CimValue

_SMBIOS = r"HKLM\HARDWARE\DESCRIPTION\System\BIOS"
_PROCESSORS = r"HKLM\HARDWARE\DESCRIPTION\System\CentralProcessor"
_SECURE_BOOT = r"HKLM\SYSTEM\CurrentControlSet\Control\SecureBoot"
_TPM_DEVICES = r"HKLM\SYSTEM\CurrentControlSet\Services\TPM\Enum"
_VERSION = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"

_CPU = ("root/cimv2", "Win32_Processor")
_COMPUTER = ("root/cimv2", "Win32_ComputerSystem")
_PHYSICAL_DISKS = ("root/Microsoft/Windows/Storage", "MSFT_PhysicalDisk")
_DRIVES = ("root/cimv2", "Win32_DiskDrive")
_TPM = ("root/cimv2/Security/MicrosoftTpm", "Win32_Tpm")

_FIRMWARES = {1: Machine.BIOS, 2: Machine.UEFI}
# The values of UEFICA2023Status
# (https://support.microsoft.com/servicing/os/windows/2026/03/sample-detect-securebootcertupdatestatus-ps1-script).
_CERTIFICATES = {
    "notstarted": Machine.NOT_STARTED, "inprogress": Machine.IN_PROGRESS, "updated": Machine.UPDATED,
}  # fmt: skip
# MSFT_PhysicalDisk.BusType: USB, SD, file-backed, storage space (Windows Storage Management API).
_NOT_FIXED = frozenset({7, 12, 15, 16})
# MSFT_PhysicalDisk.MediaType: hard disk, SSD; 0 is not known.
_ROTATIONAL = {3: True, 4: False}
# SYSTEM_POWER_STATUS.BatteryFlag.
_NO_BATTERY, _NOT_KNOWN = 128, 255
# What hypervisors give as maker or model of the machine that they show; a hypervisor that runs is no proof, for
# Windows 11 isolates its own kernel with one.
_VIRTUAL = re.compile(
    r"VMware|VirtualBox|innotek|QEMU|KVM|Xen|Parallels|Amazon EC2|Google Compute|Nutanix|Virtual Machine|Bochs"
)

REGISTRY = (
    _SMBIOS,
    rf"{_PROCESSORS}\0",
    rf"{_SECURE_BOOT}\State",
    rf"{_SECURE_BOOT}\Servicing",
    _TPM_DEVICES,
    _VERSION,
)
CIM = tuple(":".join(each) for each in (_CPU, _COMPUTER, _PHYSICAL_DISKS, _DRIVES, _TPM))
WIN32 = ("firmware_type", "power_status")


def parse_tpm_version(specification: str) -> int | None:
    """Return the major version of a SpecVersion such as "2.0, 0, 1.38", or None."""
    number = re.match(r"\s*([12])\.", specification)
    return int(number[1]) if number else None


def fill_hardware(host: Host, attributes: Attributes, facts: Machine) -> None:
    """Fill in what this Windows tells of its hardware."""
    maker, model = attributes.string(_SMBIOS, "SystemManufacturer"), attributes.string(_SMBIOS, "SystemProductName")
    if maker and model:
        facts.is_virtual = bool(_VIRTUAL.search(f"{maker} {model}"))
    processors = attributes.subkeys(_PROCESSORS)
    name = attributes.string(rf"{_PROCESSORS}\0", "ProcessorNameString")
    fill(facts, threads=len(processors) if processors else None, processor=name.strip() if name else None)
    with attributes.part():
        cores = [row["NumberOfCores"] for row in host.cim(*_CPU, "NumberOfCores")]
        facts.cores = sum(each for each in cores if isinstance(each, int))
    with attributes.part():
        for row in host.cim(*_COMPUTER, "TotalPhysicalMemory"):
            fill(facts, memory_bytes=_number(row["TotalPhysicalMemory"]))
    with attributes.part():
        facts.disks.CopyFrom(_disks(host, virtual=facts.is_virtual))
    with attributes.part():
        fill(facts, firmware=_FIRMWARES.get(host.win32().firmware_type()))
    _fill_secure_boot(attributes, facts)
    with attributes.part():
        facts.tpm.CopyFrom(_tpm(host, attributes))
    with attributes.part():
        battery = host.win32().power_status().battery_flag
        fill(facts, has_battery=None if battery == _NOT_KNOWN else not battery & _NO_BATTERY)


def names(attributes: Attributes) -> tuple[str | None, str | None, str | None]:
    """Return manufacturer, product name and version as SMBIOS gives them."""
    keys = ("SystemManufacturer", "SystemProductName", "SystemVersion")
    manufacturer, product, version = (attributes.string(_SMBIOS, key) for key in keys)
    return manufacturer, product, version


def system_drive(attributes: Attributes) -> str:
    """Return the root of the drive that carries Windows."""
    return (attributes.string(_VERSION, "SystemRoot") or "C:")[:2] + "\\"


def _fill_secure_boot(attributes: Attributes, facts: Machine) -> None:
    enabled = attributes.dword(rf"{_SECURE_BOOT}\State", "UEFISecureBootEnabled")
    if enabled is not None:
        facts.secure_boot = enabled == 1
    elif facts.firmware == Machine.BIOS:
        # A BIOS has no secure boot, and Windows no such key.
        facts.secure_boot = False
    status = attributes.string(rf"{_SECURE_BOOT}\Servicing", "UEFICA2023Status")
    fill(facts, uefi_ca_2023=_CERTIFICATES.get((status or "").replace(" ", "").lower()))


def _disks(host: Host, *, virtual: bool) -> Disks:
    try:
        rows = host.cim(*_PHYSICAL_DISKS, "Size", "MediaType", "BusType")
    except (NotPermitted, Unsupported):
        rows = []
    disks = []
    for row in rows:
        size, kind = _number(row["Size"]), row["MediaType"]
        if size and row["BusType"] not in _NOT_FIXED:
            disk = Disk(size_bytes=size)
            # A virtual disk says what its host was told to say.
            if isinstance(kind, int) and not virtual:
                fill(disk, rotational=_ROTATIONAL.get(kind))
            disks.append(disk)
    if not rows:
        for row in host.cim(*_DRIVES, "Size", "InterfaceType"):
            size = _number(row["Size"])
            if size and row["InterfaceType"] != "USB":
                disks.append(Disk(size_bytes=size))
    if not disks:
        raise Unsupported("Windows ne liste pas ses disques.")
    return Disks(disks=disks)


def _number(value: CimValue) -> int | None:
    """Return a number of 64 bits, which CIM's scripting interface gives as text."""
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _tpm(host: Host, attributes: Attributes) -> Tpm:
    """Return the TPM: its own class is for administrators, the device that its driver runs is for everybody."""
    device = attributes.string(_TPM_DEVICES, "0") or ""
    tpm = Tpm(present=True) if device else Tpm()
    # The ACPI identifier that the TCG gives to version 2.0 (PC Client Platform TPM Profile).
    if device.upper().startswith("ACPI\\MSFT0101"):
        tpm.version_major = 2
        return tpm
    try:
        rows = host.cim(*_TPM, "SpecVersion")
    except (NotPermitted, Unsupported):
        if device:
            return tpm
        raise
    if not rows and not device:
        return Tpm(present=False)
    tpm.present = True
    version = rows[0]["SpecVersion"] if rows else None
    fill(tpm, version_major=parse_tpm_version(version) if isinstance(version, str) else None)
    return tpm
