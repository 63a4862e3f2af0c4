"""What the agent asks of Windows: the types of the answers, and the calls that neither the registry nor CIM replaces.

This module loads on every system. Numbers are those of the Windows headers, untranslated. A call raises NotPermitted
when the account may not ask, and Unsupported when this Windows has no such thing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

RegistryValue = int | str | bytes | list[str]
"""REG_DWORD and REG_QWORD; REG_SZ and REG_EXPAND_SZ, not expanded; REG_BINARY; REG_MULTI_SZ."""

CimValue = bool | int | float | str | list["CimValue"] | None
"""A property of CIM; a date and time stays in its own form, `yyyymmddHHMMSS.mmmmmmsUUU`."""


@dataclass(frozen=True, slots=True)
class PasswordRules:
    """USER_MODALS_INFO_0 and _3; on a domain's machine they hold for its local accounts alone."""

    minimum_length: int
    lockout_threshold: int
    """0: accounts are never locked."""
    maximum_age_seconds: int | None = None
    """None: TIMEQ_FOREVER."""
    lockout_seconds: int | None = None
    """None: until an administrator unlocks."""
    lockout_window_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class LocalAccount:
    """USER_INFO_3 without any name."""

    rid: int
    """500 is the built-in administrator, 501 the guest, 503 and 504 accounts of the system."""
    flags: int
    """UF_ flags: 0x2 disabled, 0x20 needs no password, 0x10000 password never expires."""
    last_logon: datetime | None = None
    """None: never, or not known."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a local group; the SID stays on the machine."""

    sid: str
    use: int
    """SID_NAME_USE: 1 user, 2 group, 4 alias, 5 well-known group, 6 deleted, 8 unknown, 9 computer."""


@dataclass(frozen=True, slots=True)
class Token:
    """The rights of the process that asks."""

    elevated: bool
    """The token carries an administrator's rights now."""
    administrator: bool
    """The account is an administrator, elevated or not."""


@dataclass(frozen=True, slots=True)
class ConsoleUser:
    """Who is at the screen; name and SID stay on the machine. None: not known to the account that asks."""

    name: str
    sid: str | None = None
    administrator: bool | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """A service as the service control manager knows it."""

    state: int
    """SERVICE_STATUS.dwCurrentState: 1 stopped, 4 running."""
    start: int
    """QUERY_SERVICE_CONFIG.dwStartType: 0 boot, 1 system, 2 automatic, 3 on demand, 4 disabled."""


@dataclass(frozen=True, slots=True)
class WlanInterface:
    """A Wi-Fi interface."""

    guid: str
    state: int
    """WLAN_INTERFACE_STATE: 1 connected, 4 disconnected."""


@dataclass(frozen=True, slots=True)
class WlanConnection:
    """WLAN_CONNECTION_ATTRIBUTES without the network's name."""

    authentication: int
    """DOT11_AUTH_ALGORITHM: 1 open, 6 WPA2 enterprise, 7 WPA2 personal, 8 and 11 WPA3 enterprise, 9 WPA3 personal."""
    cipher: int
    """DOT11_CIPHER_ALGORITHM: 0 none, 1, 5 and 0x101 WEP, 2 TKIP, 4 CCMP, 8 and 9 GCMP."""
    ieee_802_1x: bool
    signal_quality: int
    """0 to 100: -100 to -50 dBm, linearly."""
    receive_kilobits_per_second: int


@dataclass(frozen=True, slots=True)
class SecurityProduct:
    """A product as the Security Center's API (IWscProduct) knows it."""

    name: str
    state: int
    """WSC_SECURITY_PRODUCT_STATE: 0 on, 1 off, 2 snoozed, 3 expired."""
    signatures_current: bool


@dataclass(frozen=True, slots=True)
class UpdateResults:
    """IAutomaticUpdatesResults, UTC; None: never, or not known."""

    searched_at: datetime | None = None
    installed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ScreenSize:
    """The main screen in its own pixels, whatever the scaling."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class PowerStatus:
    """SYSTEM_POWER_STATUS."""

    ac_line: int
    """0 on battery, 1 on mains, 255 unknown."""
    battery_flag: int
    """128: no battery; 255: unknown."""


@dataclass(frozen=True, slots=True)
class StoredCertificate:
    """A certificate of the store MY, without anybody's name."""

    kind: str
    """A name of StoredCertificates.Kind."""
    has_key: bool
    """A private key goes with it, on this machine or on a card."""
    ends_at: datetime | None = None
    """UTC; None of one that cannot be read."""
    test: bool = False
    """Given by a test authority of the IGC-Santé."""


class Win32(Protocol):
    """The calls; each has at most one argument, a string, so that a fixture can tell its answer by name."""

    def password_policy(self) -> PasswordRules:
        """Return what NetUserModalsGet says at levels 0 and 3; any account may ask."""

    def local_accounts(self) -> list[LocalAccount]:
        """Return what NetUserEnum says of this machine's accounts; Unsupported on a domain controller."""

    def administrators(self) -> list[Member]:
        """Return the direct members of S-1-5-32-544, orphans included, by NetLocalGroupGetMembers."""

    def machine_sid(self) -> str:
        """Return the SID that begins those of the machine's own accounts; it stays on the machine."""

    def token(self) -> Token:
        """Return the rights of this process."""

    def console_user(self) -> ConsoleUser | None:
        """Return who has the session at the screen; None when nobody has."""

    def join_status(self) -> int:
        """Return NETSETUP_JOIN_STATUS: 0 unknown, 1 unjoined, 2 workgroup, 3 domain."""

    def service(self, name: str) -> Service | None:
        """Return a service by its key name, or None when there is none."""

    def file_version(self, path: str) -> str | None:
        """Return the fixed file version `a.b.c.d` of a program or library; None: no such file, or no version."""

    def wlan_interfaces(self) -> list[WlanInterface]:
        """Return the Wi-Fi interfaces; none where there is no Wi-Fi service, as on servers."""

    def wlan_connection(self, guid: str) -> WlanConnection | None:
        """Return the connection of an interface, or None.

        NotPermitted is what Windows 11 24H2 and later say where nobody allowed location to desktop programs.
        """

    def wlan_profiles(self, guid: str) -> list[str]:
        """Return the XML of the networks that an interface keeps, keys encrypted; names stay on the machine."""

    def security_products(self, provider: str) -> list[SecurityProduct]:
        """Return the Security Center's products; `provider` is antivirus or firewall. Unsupported on servers."""

    def update_results(self) -> UpdateResults:
        """Return when Windows Update last searched and installed with success."""

    def audit_policy(self) -> dict[str, int]:
        """Return the audit in force by subcategory GUID (0 none, 1 success, 2 failure, 3 both); administrators only."""

    def key_protectors(self, device: str) -> list[int]:
        """Return the kinds of protectors of a BitLocker volume, by its DeviceID; administrators only.

        KeyProtectorType: 1 TPM, 2 external key, 3 numerical password, 4 TPM and PIN, 5 TPM and startup key, 6 TPM, PIN
        and startup key, 7 public key, 8 passphrase, 9 TPM certificate, 10 CNG.
        """

    def firmware_type(self) -> int:
        """Return FIRMWARE_TYPE: 1 BIOS, 2 UEFI."""

    def screen_size(self) -> ScreenSize:
        """Return the main screen's size; Unsupported in a service's session, which has none."""

    def remote_session(self) -> bool:
        """Return whether this process runs in a session of Remote Desktop, whose PC/SC shows the far end's readers."""

    def power_status(self) -> PowerStatus:
        """Return what feeds the machine."""

    def certificates(self, place: str) -> list[StoredCertificate]:
        """Return the certificates of the store MY; `place` is user or machine. Unsupported for a service's user."""


class Windows(Protocol):
    """The doors to Windows, as `host.py` describes them."""

    @property
    def win32(self) -> Win32:
        """The calls."""

    def registry_value(self, key: str, name: str, *, view32: bool) -> RegistryValue | None:
        """Return a value, or None when the key or the value is absent."""

    def registry_values(self, key: str, *, view32: bool) -> Mapping[str, RegistryValue] | None:
        """Return the values of a key by name, or None when it is absent."""

    def registry_keys(self, key: str, *, view32: bool) -> list[str] | None:
        """Return the names of the keys below a key, or None when it is absent."""

    def cim(
        self, namespace: str, class_name: str, properties: tuple[str, ...], where: Mapping[str, str | int | bool]
    ) -> list[Mapping[str, CimValue]]:
        """Return the named properties of each object of a class whose properties equal those of `where`."""
