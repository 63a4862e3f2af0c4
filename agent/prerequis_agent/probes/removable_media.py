"""Observes what USB sticks may do on this machine."""

import re

from prerequis.v1.access_pb2 import RemovableMedia
from prerequis_agent.attributes import Attributes, fill
from prerequis_agent.dconf import DCONF_FILES, imposed_settings, truth
from prerequis_agent.errors import Unsupported
from prerequis_agent.host import Host
from prerequis_agent.probe import Observation, Probe

_EXPLORER = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\Explorer"
_USER_EXPLORER = r"Software\Microsoft\Windows\CurrentVersion\Policies\Explorer"
_AUTOPLAY = r"Software\Microsoft\Windows\CurrentVersion\Explorer\AutoplayHandlers"
_DEVICES = r"HKLM\SOFTWARE\Policies\Microsoft\Windows\RemovableStorageDevices"
# The class of removable disks (GUID_DEVINTERFACE_DISK).
_DISKS = rf"{_DEVICES}\{{53f5630d-b6bf-11d0-94f2-00a0c91efb8b}}"
_USB_STORAGE = r"HKLM\SYSTEM\CurrentControlSet\Services\USBSTOR"
# CIS and Microsoft's baseline: the value lies under SYSTEM, unlike the other settings of BitLocker.
_BITLOCKER = r"HKLM\SYSTEM\CurrentControlSet\Policies\Microsoft\FVE"
_DEFENDER_POLICY = r"HKLM\SOFTWARE\Policies\Microsoft\Windows Defender\Scan"
_DEFENDER = r"HKLM\SOFTWARE\Microsoft\Windows Defender"
_ATTACK_SURFACE = r"HKLM\SOFTWARE\Policies\Microsoft\Windows Defender\Windows Defender Exploit Guard\ASR\Rules"
_UNTRUSTED_FROM_USB = "b2b3f03d-6a65-4f7b-a9c7-1c7ef74a9ba4"
# Bit of DRIVE_REMOVABLE in NoDriveTypeAutoRun; Windows sets 0x91, which leaves it out, by default.
_REMOVABLE, _DEFAULT_DRIVES = 0x04, 0x91
_DISABLED_SERVICE, _RUNNING = 4, 4

_MODPROBE = ("/etc/modprobe.d", "/run/modprobe.d", "/usr/lib/modprobe.d", "/lib/modprobe.d")
_UDISKS, _UDISKS_OPTIONS = "/usr/libexec/udisks2/udisksd", "/etc/udisks2/mount_options.conf"
_USBGUARD = "/etc/usbguard/usbguard-daemon.conf"
_USBGUARD_UNITS = ("/etc/systemd/system/basic.target.wants", "/etc/systemd/system/multi-user.target.wants")

_LABELS = {
    "autorun_disabled": "exécution automatique", "autoplay_disabled": "lecture automatique",
    "execution_denied": "exécution depuis le support", "storage_blocked": "blocage du stockage USB",
}  # fmt: skip
_WINDOWS_LABELS = _LABELS | {"write_needs_encryption": "écriture sur support chiffré", "scanned": "analyse antivirus"}


def observe(host: Host) -> Observation:
    """Return what is allowed; raises Unsupported on macOS, and NotPermitted when everything is refused."""
    if host.platform == "darwin":
        raise Unsupported("macOS n'exécute rien de lui-même depuis un support ; ses autres réglages ne se lisent pas.")
    facts = RemovableMedia()
    attributes = Attributes(host)
    if host.platform == "win32":
        _fill_from_explorer(host, attributes, facts)
        _fill_from_policies(host, attributes, facts)
        with attributes.part():
            fill(facts, scanned=_scanned(host, attributes))
    else:
        settings = imposed_settings(attributes)
        mounted = truth(settings.get("/org/gnome/desktop/media-handling/automount"))
        fill(
            facts,
            autorun_disabled=truth(settings.get("/org/gnome/desktop/media-handling/autorun-never")),
            autoplay_disabled=None if mounted is None else not mounted,
            execution_denied=_mounts_without_execution(host, attributes),
            storage_blocked=_blocked_on_linux(attributes),
        )
    if facts == RemovableMedia():
        raise attributes.absence("ce que peuvent les supports amovibles")
    return Observation(facts, attributes.detail(facts, _WINDOWS_LABELS if host.platform == "win32" else _LABELS))


def _fill_from_explorer(host: Host, attributes: Attributes, facts: RemovableMedia) -> None:
    never = attributes.dword(_EXPLORER, "NoAutorun", absent=0)
    fill(facts, autorun_disabled=None if never is None else never == 1)
    drives = attributes.dword(_EXPLORER, "NoDriveTypeAutoRun", absent=-1)
    if drives is None:
        return
    if drives != -1:
        # The machine's value wins over the user's ("NoDriveTypeAutoRun", Microsoft Learn).
        facts.autoplay_disabled = bool(drives & _REMOVABLE)
        return
    with attributes.part():
        person = host.win32().console_user()
        if person and person.sid:
            own = attributes.dword(rf"HKU\{person.sid}\{_USER_EXPLORER}", "NoDriveTypeAutoRun", absent=_DEFAULT_DRIVES)
            chosen = attributes.dword(rf"HKU\{person.sid}\{_AUTOPLAY}", "DisableAutoplay", absent=0)
            if own is not None and chosen is not None:
                facts.autoplay_disabled = bool(own & _REMOVABLE) or chosen == 1


def _fill_from_policies(host: Host, attributes: Attributes, facts: RemovableMedia) -> None:
    everything = attributes.dword(_DEVICES, "Deny_All", absent=0)
    reading = attributes.dword(_DISKS, "Deny_Read", absent=0)
    driver = attributes.dword(_USB_STORAGE, "Start")
    blocked = everything == 1 or reading == 1 or driver == _DISABLED_SERVICE
    known = None not in (everything, reading, driver)
    encrypted = attributes.dword(_BITLOCKER, "RDVDenyWriteAccess", absent=0)
    fill(
        facts,
        storage_blocked=True if blocked else False if known else None,
        write_needs_encryption=None if encrypted is None else encrypted == 1,
    )
    execution = attributes.dword(_DISKS, "Deny_Execute", absent=0)
    rule = attributes.string(_ATTACK_SURFACE, _UNTRUSTED_FROM_USB, absent="0")
    if execution == 1 or rule == "1":
        facts.execution_denied = True
    elif execution is not None and rule is not None:
        with attributes.part():
            # AppLocker, whose rules are not read, may deny it where its service runs.
            applocker = host.win32().service("AppIDSvc")
            if applocker is None or applocker.state != _RUNNING:
                facts.execution_denied = False


def _scanned(host: Host, attributes: Attributes) -> bool | None:
    """Return whether Defender looks into sticks; None where another product may, or the setting is hidden."""
    defender = host.win32().service("WinDefend")
    if defender is None or defender.state != _RUNNING or attributes.dword(_DEFENDER, "PassiveMode", absent=0) != 0:
        return None
    imposed = attributes.dword(_DEFENDER_POLICY, "DisableRemovableDriveScanning", absent=-1)
    # 1, the default, leaves sticks out of full scans ("DisableRemovableDriveScanning", Microsoft Learn).
    own = attributes.dword(rf"{_DEFENDER}\Scan", "DisableRemovableDriveScanning", absent=1)
    skipped = own if imposed == -1 else imposed
    return None if skipped is None else skipped == 0


def _mounts_without_execution(host: Host, attributes: Attributes) -> bool | None:
    """Return whether udisks, which mounts sticks for people, is told to add noexec (udisks2.conf(5))."""
    if not host.exists(_UDISKS):
        return None
    text = attributes.text(_UDISKS_OPTIONS) or ""
    defaults = re.search(r"^\[defaults\]\s*$(.*?)(?=^\[|\Z)", text, re.MULTILINE | re.DOTALL)
    options = re.search(r"^\s*defaults\s*=(.*)$", defaults[1], re.MULTILINE) if defaults else None
    return None if attributes.is_refused else bool(options and "noexec" in re.split(r"[\s,]+", options[1]))


def _blocked_on_linux(attributes: Attributes) -> bool | None:
    """Return whether the driver of USB disks never loads, or USBGuard blocks what it was not told of."""
    paths = [f"{place}/{name}" for place in _MODPROBE for name in attributes.names(place) or []]
    texts = [attributes.text(path) or "" for path in paths if path.endswith(".conf")]
    lines = [line for text in texts for line in text.splitlines()]
    if any(re.match(r"\s*(blacklist\s+usb[-_]storage\s*$|install\s+usb[-_]storage\s+\S*/(?:false|true)\b)", line)
           for line in lines):  # fmt: skip
        return True
    if any("usbguard.service" in (attributes.names(place) or []) for place in _USBGUARD_UNITS):
        policy = attributes.text(_USBGUARD)
        if policy is None:
            return None
        return bool(re.search(r"^\s*ImplicitPolicyTarget\s*=\s*(?:block|reject)\s*$", policy, re.MULTILINE))
    return None if attributes.is_refused else False


PROBE = Probe(
    name="removable_media",
    observe=observe,
    about="Supports amovibles : exécution automatique, blocage, chiffrement exigé ; jamais leur contenu.",
    reads=(
        *(f"{place}/*" for place in (*_MODPROBE, *_USBGUARD_UNITS)), _UDISKS, _UDISKS_OPTIONS, _USBGUARD, *DCONF_FILES,
    ),
    registry=(
        _EXPLORER, rf"HKU\*\{_USER_EXPLORER}", rf"HKU\*\{_AUTOPLAY}", _DEVICES, _DISKS, _USB_STORAGE, _BITLOCKER,
        _DEFENDER_POLICY, _DEFENDER, rf"{_DEFENDER}\Scan", _ATTACK_SURFACE,
    ),
    win32=("console_user", "service"),
)  # fmt: skip
