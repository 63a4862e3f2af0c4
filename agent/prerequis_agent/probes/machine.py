"""Observes the hardware: processor, memory, disks, firmware, TPM, battery. Never a serial number or a UUID."""

import re
from dataclasses import dataclass

from prerequis.v1.facts_pb2 import Disk, Disks, Machine, Tpm
from prerequis_agent import macos
from prerequis_agent.attributes import Attributes
from prerequis_agent.errors import ParseError
from prerequis_agent.host import Host
from prerequis_agent.probe import Observation, Probe
from prerequis_agent.windows import hardware, upgrade

_DMI = "/sys/class/dmi/id"
# The GUID is EFI_GLOBAL_VARIABLE (UEFI specification, 3.3): four bytes of attributes, then 0 or 1.
_SECURE_BOOT = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

# What manufacturers leave in the DMI table instead of a name, in lower case.
_NO_NAME = frozenset(
    {
        "to be filled by o.e.m.", "default string", "system manufacturer", "system product name", "not specified",
        "not applicable", "none", "n/a", "o.e.m.", "oem", "unknown", "invalid", "undefined",
    }
)  # fmt: skip
# Devices that the kernel shows as disks and that are not: memory, layers over disks, optical drives, network disks,
# and the boot and replay-protected areas of an eMMC chip.
_NOT_A_DISK = re.compile(r"(loop|ram|zram|dm-|md|sr|fd|nbd|rbd|drbd|zd|mtd)[0-9]|mmcblk[0-9]+(boot|rpmb)")
# /sys/block/*/size counts sectors of 512 bytes whatever the disk's own sector (Linux, Documentation/ABI/stable).
_SECTOR_BYTES = 512

_LABELS = {
    "manufacturer": "fabricant", "model": "modèle", "processor": "processeur", "cores": "cœurs", "threads": "fils",
    "memory_bytes": "mémoire", "system_volume_bytes": "volume système", "firmware": "micrologiciel",
    "secure_boot": "démarrage sécurisé", "tpm": "TPM", "has_battery": "batterie", "is_virtual": "machine virtuelle",
}  # fmt: skip
_WINDOWS_LABELS = _LABELS | {"uefi_ca_2023": "certificats de démarrage de 2023"}
# What every Mac has or what no Mac has says nothing of it.
_MACOS_LABELS = {field: label for field, label in _LABELS.items() if field not in ("firmware", "secure_boot", "tpm")}


@dataclass(frozen=True, slots=True)
class Processor:
    """What /proc/cpuinfo says; None is not known."""

    name: str | None
    threads: int
    virtual: bool | None
    """Whether the processor says that a hypervisor runs it; only x86 says so."""


def parse_cpuinfo(text: str) -> Processor:
    """Return the processor that /proc/cpuinfo describes; raises ParseError when it lists none."""
    threads = len(re.findall(r"^processor\s*:", text, re.MULTILINE))
    if not threads:
        raise ParseError("/proc/cpuinfo ne liste aucun processeur.")
    name = re.search(r"^model name[ \t]*:[ \t]*(\S.*?)[ \t]*$", text, re.MULTILINE)
    flags = re.search(r"^flags[ \t]*:(.*)$", text, re.MULTILINE)
    return Processor(name and name[1], threads, "hypervisor" in flags[1].split() if flags else None)


def parse_meminfo(text: str) -> int:
    """Return the memory in bytes of /proc/meminfo; raises ParseError when it gives none.

    It is what firmware and kernel leave to the system: a few per cent less than what is fitted.
    """
    total = re.search(r"^MemTotal:\s*([0-9]{1,15}) kB$", text, re.MULTILINE)
    if not total:
        raise ParseError("/proc/meminfo ne donne pas la mémoire.")
    return int(total[1]) * 1024


def parse_secure_boot(variable: bytes) -> bool:
    """Return the value of the SecureBoot EFI variable; raises ParseError when it has another form."""
    if len(variable) != 5 or variable[4] > 1:
        raise ParseError("La variable EFI SecureBoot n'a pas la forme attendue.")
    return variable[4] == 1


def observe(host: Host) -> Observation:
    """Return the hardware; what this system does not tell is left unset and named in the detail.

    Raises NotPermitted or Unsupported when it tells nothing at all.
    """
    facts = Machine()
    attributes = Attributes(host)
    system_volume, labels = "/", _LABELS
    if host.platform == "win32":
        hardware.fill_hardware(host, attributes, facts)
        upgrade.fill_appraisal(attributes, facts)
        _fill_names(facts, *hardware.names(attributes))
        system_volume, labels = hardware.system_drive(attributes), _WINDOWS_LABELS
    elif host.platform == "darwin":
        macos.fill_hardware(host, attributes, facts)
        labels = _MACOS_LABELS
    else:
        _fill_from_linux(host, attributes, facts)
    with attributes.part():
        volume = host.volume(system_volume)
        facts.system_volume_bytes, facts.system_volume_free_bytes = volume.total_bytes, volume.free_bytes
    if facts == Machine():
        raise attributes.absence("son matériel")
    return Observation(facts, attributes.detail(facts, labels))


def _fill_from_linux(host: Host, attributes: Attributes, facts: Machine) -> None:
    _fill_names(
        facts, *(attributes.text(f"{_DMI}/{name}") for name in ("sys_vendor", "product_name", "product_version"))
    )
    with attributes.part():
        _fill_processor(attributes, facts)
    with attributes.part():
        meminfo = attributes.text("/proc/meminfo")
        if meminfo:
            facts.memory_bytes = parse_meminfo(meminfo)
    with attributes.part():
        facts.disks.CopyFrom(_disks(host, attributes, virtual=facts.is_virtual))
    with attributes.part():
        _fill_firmware(host, attributes, facts)
    tpms = attributes.names("/sys/class/tpm")
    if tpms is not None:
        facts.tpm.CopyFrom(_tpm(attributes, tpms))
    supplies = attributes.names("/sys/class/power_supply")
    if supplies is not None:
        facts.has_battery = any(_is_battery(attributes, f"/sys/class/power_supply/{name}") for name in supplies)


def _fill_names(facts: Machine, manufacturer: str | None, model: str | None, version: str | None) -> None:
    if manufacturer and manufacturer.lower() == "lenovo":
        # Lenovo puts a part number in the name and the name in the version.
        model = version or model
    if manufacturer and manufacturer.lower() not in _NO_NAME:
        facts.manufacturer = manufacturer
    if model and model.lower() not in _NO_NAME:
        facts.model = model


def _fill_processor(attributes: Attributes, facts: Machine) -> None:
    cpuinfo = attributes.text("/proc/cpuinfo")
    if cpuinfo:
        processor = parse_cpuinfo(cpuinfo)
        facts.threads = processor.threads
        if processor.name:
            facts.processor = processor.name
        if processor.virtual is not None:
            facts.is_virtual = processor.virtual
    cpus = "/sys/devices/system/cpu"
    # Threads that share a core give the same list; a processor that is off line has none.
    lists = {
        attributes.text(f"{cpus}/{name}/topology/core_cpus_list")
        or attributes.text(f"{cpus}/{name}/topology/thread_siblings_list")
        for name in attributes.names(cpus) or []
        if re.fullmatch(r"cpu[0-9]+", name)
    } - {None}
    if lists:
        facts.cores = len(lists)


def _disks(host: Host, attributes: Attributes, *, virtual: bool) -> Disks:
    names = attributes.names("/sys/block")
    if names is None:
        raise attributes.absence("ses disques")
    disks = []
    for name in names:
        block = f"/sys/block/{name}"
        size = attributes.number(f"{block}/size")
        outside = attributes.number(f"{block}/removable") == 1 or "/usb" in (host.read_link(block) or "")
        hidden = attributes.number(f"{block}/hidden") == 1
        card = attributes.text(f"{block}/device/type") == "SD"
        if not size or outside or hidden or card or _NOT_A_DISK.match(name):
            continue
        disk = Disk(size_bytes=size * _SECTOR_BYTES)
        rotational = attributes.number(f"{block}/queue/rotational")
        # A virtual disk says 1 by default, whatever lies beneath.
        if rotational is not None and not virtual:
            disk.rotational = rotational == 1
        disks.append(disk)
    return Disks(disks=disks)


def _fill_firmware(host: Host, attributes: Attributes, facts: Machine) -> None:
    firmware = attributes.names("/sys/firmware") or []
    if "efi" in firmware:
        facts.firmware = Machine.UEFI
        variable = host.read_bytes(_SECURE_BOOT)
        if variable is not None:
            facts.secure_boot = parse_secure_boot(variable)
    elif "dmi" in firmware:
        # A DMI table without EFI was found where a PC BIOS leaves it; a BIOS has no secure boot.
        facts.firmware = Machine.BIOS
        facts.secure_boot = False


def _tpm(attributes: Attributes, names: list[str]) -> Tpm:
    chips = [name for name in names if re.fullmatch(r"tpm[0-9]+", name)]
    tpm = Tpm(present=bool(chips))
    version = attributes.number(f"/sys/class/tpm/{chips[0]}/tpm_version_major") if chips else None
    if version in (1, 2):
        tpm.version_major = version
    return tpm


def _is_battery(attributes: Attributes, supply: str) -> bool:
    # The batteries of mice and headsets have the scope Device.
    return attributes.text(f"{supply}/type") == "Battery" and attributes.text(f"{supply}/scope") != "Device"


PROBE = Probe(
    name="machine",
    observe=observe,
    about="Matériel : modèle, processeur, mémoire, disques, micrologiciel, TPM, démarrage sécurisé, batterie, "
    "avis de Windows 10 sur le passage à Windows 11.",
    administrator="le TPM (Windows)",
    reads=(
        "/proc/cpuinfo",
        "/proc/meminfo",
        f"{_DMI}/product_name",
        f"{_DMI}/product_version",
        f"{_DMI}/sys_vendor",
        "/sys/block/*/device/type",
        "/sys/block/*/hidden",
        "/sys/block/*/queue/rotational",
        "/sys/block/*/removable",
        "/sys/block/*/size",
        "/sys/class/power_supply/*/scope",
        "/sys/class/power_supply/*/type",
        "/sys/class/tpm/*/tpm_version_major",
        "/sys/devices/system/cpu/*/topology/core_cpus_list",
        "/sys/devices/system/cpu/*/topology/thread_siblings_list",
        "/sys/firmware/efi/efivars/SecureBoot-*",
    ),
    commands=macos.COMMANDS,
    registry=tuple(dict.fromkeys((*hardware.REGISTRY, *upgrade.REGISTRY))),
    cim=hardware.CIM,
    win32=hardware.WIN32,
)
