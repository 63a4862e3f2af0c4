"""Observes the fixed volumes and their encryption. Never a key, a name of volume or an identifier."""

import re
from dataclasses import dataclass

from prerequis.v1.access_pb2 import EncryptedVolume, Encryption
from prerequis_agent.attributes import Attributes, fill
from prerequis_agent.errors import NotPermitted, ParseError, ProbeError
from prerequis_agent.host import Host
from prerequis_agent.probe import Observation, Probe

_NAMESPACE, _CLASS = "root/cimv2/Security/MicrosoftVolumeEncryption", "Win32_EncryptableVolume"
# Win32_EncryptableVolume: kinds of volume, ProtectionStatus, ConversionStatus, EncryptionMethod (Microsoft Learn).
_SYSTEM, _REMOVABLE = 0, 2
_PROTECTED, _LOCKED = 1, 2
_DECRYPTED, _ENCRYPTED = 0, 1
_METHODS = {
    1: "AES-128-DIFFUSER", 2: "AES-256-DIFFUSER", 3: "AES-128", 4: "AES-256", 5: "HARDWARE",
    6: "XTS-AES-128", 7: "XTS-AES-256",
}  # fmt: skip
# KeyProtectorType: what the TPM opens alone, what it opens with a code or a key, what needs no TPM.
_TPM, _TPM_AND_MORE, _WITHOUT_TPM = 1, frozenset({4, 5, 6}), frozenset({2, 8})
_NUMERICAL_PASSWORD = 3

_BLOCK = "/sys/class/block"
_MOUNTS, _SWAPS, _CRYPTTAB = "/proc/self/mountinfo", "/proc/swaps", "/etc/crypttab"
# What boots the machine is read before any key is known, and holds no data.
_BOOT = frozenset({"/boot", "/boot/efi", "/efi"})
_NOT_FIXED = re.compile(r"(loop|zram|ram|sr|fd|nbd)[0-9]")


def observe(host: Host) -> Observation:
    """Return the volumes; raises NotPermitted, Unsupported or ParseError when they are not known."""
    if host.platform == "win32":
        return _windows(host)
    if host.platform == "darwin":
        volume = EncryptedVolume(system=True, protection=parse_filevault(host.run("fdesetup", "status").stdout))
        return Observation(Encryption(volumes=[volume]))
    attributes = Attributes(host)
    mountinfo = attributes.text(_MOUNTS)
    if not mountinfo:
        raise attributes.absence("ses volumes")
    volumes = _linux_volumes(host, attributes, parse_mounts(mountinfo), attributes.text(_SWAPS) or "")
    return Observation(Encryption(volumes=volumes), attributes.detail(Encryption(), {}))


def _windows(host: Host) -> Observation:
    properties = ("DeviceID", "VolumeType", "ProtectionStatus", "ConversionStatus", "EncryptionMethod")
    try:
        rows = [row for row in host.cim(_NAMESPACE, _CLASS, *properties) if row["VolumeType"] != _REMOVABLE]
    except NotPermitted:
        raise NotPermitted("Seul un administrateur voit BitLocker : relancer l'agent en administrateur.") from None
    if not rows:
        # A machine that runs has at least the volume it runs from.
        raise ParseError("Windows ne liste aucun volume : le chiffrement n'a pas pu être vérifié.")
    volumes, details = [], []
    for row in rows:
        volume = EncryptedVolume(system=row["VolumeType"] == _SYSTEM)
        method = row["EncryptionMethod"]
        fill(
            volume,
            protection=protection_of(row["ProtectionStatus"], row["ConversionStatus"]),
            method=_METHODS.get(method) if isinstance(method, int) else None,
        )
        try:
            kinds = frozenset(host.win32().key_protectors(str(row["DeviceID"])))
        except ProbeError as problem:
            details.append(str(problem))
        else:
            fill(
                volume,
                # A data volume opens by a key that the system volume keeps.
                asks_at_start=asks_at_start(kinds) if volume.system else None,
                recovery_key=_NUMERICAL_PASSWORD in kinds,
            )
        volumes.append(volume)
    volumes.sort(key=lambda volume: not volume.system)
    return Observation(Encryption(volumes=volumes), " ".join(dict.fromkeys(details)))


def asks_at_start(kinds: frozenset[int]) -> bool | None:
    """Return whether a code or a key is asked before the volume opens; None where nothing protects it.

    Where the TPM opens it alone, an external key is one for recovery.
    """
    if kinds & _TPM_AND_MORE:
        return True
    if _TPM in kinds:
        return False
    return True if kinds & _WITHOUT_TPM else None


def protection_of(status: object, conversion: object) -> EncryptedVolume.Protection.ValueType | None:
    """Return what ProtectionStatus and ConversionStatus mean together.

    A volume that is encrypted but not protected has its key in clear beside it.
    """
    if status == _LOCKED:
        return EncryptedVolume.LOCKED
    if status == _PROTECTED and conversion == _ENCRYPTED:
        return EncryptedVolume.ON
    if conversion in {2, 3, 4, 5}:
        return EncryptedVolume.IN_PROGRESS
    if status == 0 and conversion == _DECRYPTED:
        return EncryptedVolume.OFF
    if status == 0 and conversion == _ENCRYPTED:
        return EncryptedVolume.SUSPENDED
    return None


def parse_filevault(answer: str) -> EncryptedVolume.Protection.ValueType:
    """Return what `fdesetup status` says; raises ParseError when it says something else, or nothing."""
    if re.search(r"^(En|De)cryption in progress", answer, re.MULTILINE):
        return EncryptedVolume.IN_PROGRESS
    state = re.search(r"^FileVault is (On|Off)\.", answer, re.MULTILINE)
    if not state:
        raise ParseError("fdesetup ne dit pas si FileVault est actif.")
    return EncryptedVolume.ON if state[1] == "On" else EncryptedVolume.OFF


@dataclass(frozen=True, slots=True)
class Mount:
    """A line of mountinfo (proc(5))."""

    number: str
    """Major and minor number of the device, such as 8:1; major 0 is no device."""
    place: str
    source: str


def parse_mounts(text: str) -> list[Mount]:
    """Return the mounts that a device carries."""
    lines = [line.split() for line in text.splitlines()]
    mounts = [
        Mount(line[2], line[4], line[line.index("-") + 2])
        for line in lines
        if "-" in line[6:] and len(line) > line.index("-") + 2
    ]
    return [mount for mount in mounts if not mount.number.startswith("0:") or mount.source.startswith("/dev/")]


def _linux_volumes(host: Host, attributes: Attributes, mounts: list[Mount], swaps: str) -> list[EncryptedVolume]:
    mappings = {
        attributes.text(f"{_BLOCK}/{name}/dm/name"): name
        for name in attributes.names(_BLOCK) or []
        if name.startswith("dm-")
    }
    places: dict[str, set[str]] = {}
    sources = [(mount.number, mount.source, mount.place) for mount in mounts]
    sources += [("", line.split()[0], "swap") for line in swaps.splitlines()[1:]]
    for number, source, place in sources:
        device = _device(host, mappings, number, source)
        if device and not _NOT_FIXED.match(device):
            places.setdefault(device, set()).add(place)
    asked = _passphrases(attributes)
    volumes = [
        _volume(attributes, _below(attributes, device), asked, system="/" in mounted)
        for device, mounted in places.items()
        if not mounted <= _BOOT
        and not any(_is_removable(host, attributes, name) for name in _below(attributes, device))
    ]
    return sorted(volumes, key=lambda volume: not volume.system)


def _volume(attributes: Attributes, below: set[str], asked: dict[str, bool | None], *, system: bool) -> EncryptedVolume:
    crypts = [name for name in below if (attributes.text(f"{_BLOCK}/{name}/dm/uuid") or "").startswith("CRYPT-")]
    volume = EncryptedVolume(system=system, protection=EncryptedVolume.ON if crypts else EncryptedVolume.OFF)
    answers = [asked.get(attributes.text(f"{_BLOCK}/{name}/dm/name") or "") for name in crypts]
    fill(volume, asks_at_start=True if True in answers else None if None in answers or not answers else False)
    return volume


def _device(host: Host, mappings: dict[str | None, str], number: str, source: str) -> str | None:
    """Return the kernel's name of a device, such as sda1 or dm-0, or None for what is not one."""
    link = host.read_link(f"/sys/dev/block/{number}") if number else None
    if link:
        return link.rpartition("/")[2]
    # Btrfs hides its device behind a number of its own; swap has none.
    directory, _, name = source.rpartition("/")
    return {"/dev": name, "/dev/mapper": mappings.get(name)}.get(directory)


def _below(attributes: Attributes, device: str) -> set[str]:
    """Return a device and those that it lies on: a logical volume, an encrypted mapping, a partition."""
    found: set[str] = set()
    waiting = {device}
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= set(attributes.names(f"{_BLOCK}/{name}/slaves") or []) - found
    return found


def _is_removable(host: Host, attributes: Attributes, name: str) -> bool:
    link = host.read_link(f"{_BLOCK}/{name}") or ""
    # A partition's link passes by its disk: ../../devices/pci0000:00/…/block/sda/sda1.
    disk = link.partition("/block/")[2].partition("/")[0] or name
    return "/usb" in link or attributes.number(f"{_BLOCK}/{disk}/removable") == 1


def _passphrases(attributes: Attributes) -> dict[str, bool | None]:
    """Return, by mapping, whether someone is asked at start-up (crypttab(5)); None: a device opens it, somehow."""
    asked: dict[str, bool | None] = {}
    for line in (attributes.text(_CRYPTTAB) or "").splitlines():
        fields = [*line.partition("#")[0].split(), "", "", ""]
        if not fields[0]:
            continue
        options = fields[3]
        if re.search(r"tpm2-pin=(yes|true|1)|fido2-device=|pkcs11-uri=", options):
            asked[fields[0]] = True
        elif "tpm2-device=" in options:
            asked[fields[0]] = False
        elif "keyscript=" in options:
            asked[fields[0]] = None
        else:
            asked[fields[0]] = fields[2] in {"", "none", "-"}
    return asked


PROBE = Probe(
    name="encryption",
    observe=observe,
    about="Chiffrement des disques : état, méthode, clé de récupération présente ou non, jamais sa valeur.",
    administrator="BitLocker (Windows)",
    reads=(
        _MOUNTS, _SWAPS, _CRYPTTAB, f"{_BLOCK}/*/dm/name", f"{_BLOCK}/*/dm/uuid", f"{_BLOCK}/*/slaves",
        f"{_BLOCK}/*/removable", "/sys/dev/block/*",
    ),
    commands=("fdesetup",),
    cim=(f"{_NAMESPACE}:{_CLASS}",),
    win32=("key_protectors",),
)  # fmt: skip
