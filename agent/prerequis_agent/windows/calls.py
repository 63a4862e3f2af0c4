"""The calls of `api.Win32` on the Windows that the agent runs on; each loads what it needs."""

import sys

assert sys.platform == "win32"  # noqa: S101 – lets mypy follow `--platform`

import ctypes
from ctypes import wintypes

from prerequis_agent.errors import Unsupported
from prerequis_agent.windows.api import (
    ConsoleUser,
    LocalAccount,
    Member,
    PasswordRules,
    PowerStatus,
    ScreenSize,
    SecurityProduct,
    Service,
    StoredCertificate,
    Token,
    UpdateResults,
    WlanConnection,
    WlanInterface,
)
from prerequis_agent.windows.failures import asking, failure

_SC_MANAGER_CONNECT = 1
_SERVICE_QUERY = 5  # configuration and status
_SERVICE_DOES_NOT_EXIST = 1060
# FILE_NOT_FOUND, PATH_NOT_FOUND, RESOURCE_DATA_NOT_FOUND, RESOURCE_TYPE_NOT_FOUND, RESOURCE_NAME_NOT_FOUND.
_NO_VERSION = frozenset({2, 3, 1812, 1813, 1814})
_REMOTE_SESSION = 0x1000
_PER_MONITOR_AWARE_V2 = -4


class _SystemPowerStatus(ctypes.Structure):
    """SYSTEM_POWER_STATUS."""

    _fields_ = (
        ("ac_line", wintypes.BYTE),
        ("battery_flag", wintypes.BYTE),
        ("battery_percent", wintypes.BYTE),
        ("saver", wintypes.BYTE),
        ("seconds_left", wintypes.DWORD),
        ("seconds_full", wintypes.DWORD),
    )


class LiveWin32:
    """Implements `api.Win32`, where each call is described."""

    @asking("la politique de mots de passe")
    def password_policy(self) -> PasswordRules:
        """Return what NetUserModalsGet says."""
        from prerequis_agent.windows import accounts

        return accounts.password_policy()

    @asking("les comptes locaux")
    def local_accounts(self) -> list[LocalAccount]:
        """Return what NetUserEnum says."""
        from prerequis_agent.windows import accounts

        return accounts.local_accounts()

    @asking("les membres du groupe des administrateurs")
    def administrators(self) -> list[Member]:
        """Return what NetLocalGroupGetMembers says."""
        from prerequis_agent.windows import accounts

        return accounts.administrators()

    @asking("l'identifiant de sécurité du poste")
    def machine_sid(self) -> str:
        """Return the SID of the machine's own accounts."""
        from prerequis_agent.windows import accounts

        return accounts.machine_sid()

    @asking("les droits de l'agent")
    def token(self) -> Token:
        """Return the rights of this process."""
        from prerequis_agent.windows import accounts

        return accounts.token()

    @asking("la session ouverte à l'écran")
    def console_user(self) -> ConsoleUser | None:
        """Return who has the session at the screen."""
        from prerequis_agent.windows import accounts

        return accounts.console_user()

    @asking("le rattachement du poste")
    def join_status(self) -> int:
        """Return NETSETUP_JOIN_STATUS."""
        api, name, status = ctypes.WinDLL("netapi32"), ctypes.c_void_p(), ctypes.c_int()
        error = api.NetGetJoinInformation(None, ctypes.byref(name), ctypes.byref(status))
        if error:
            raise failure(error, "le rattachement du poste")
        api.NetApiBufferFree(name)
        return status.value

    @asking("l'état d'un service")
    def service(self, name: str) -> Service | None:
        """Return a service by its key name."""
        import pywintypes
        import win32service

        manager = win32service.OpenSCManager(None, None, _SC_MANAGER_CONNECT)
        try:
            service = win32service.OpenService(manager, name, _SERVICE_QUERY)
        except pywintypes.error as problem:
            if problem.winerror == _SERVICE_DOES_NOT_EXIST:
                return None
            raise
        finally:
            win32service.CloseServiceHandle(manager)
        try:
            state = win32service.QueryServiceStatus(service)[1]
            return Service(state=state, start=win32service.QueryServiceConfig(service)[1])
        finally:
            win32service.CloseServiceHandle(service)

    @asking("la version d'un fichier")
    def file_version(self, path: str) -> str | None:
        """Return the fixed file version of a program or library."""
        import pywintypes
        import win32api

        try:
            fixed = win32api.GetFileVersionInfo(path, "\\")
        except pywintypes.error as problem:
            if problem.winerror in _NO_VERSION:
                return None
            raise
        high, low = fixed["FileVersionMS"] & 0xFFFFFFFF, fixed["FileVersionLS"] & 0xFFFFFFFF
        return f"{high >> 16}.{high & 0xFFFF}.{low >> 16}.{low & 0xFFFF}"

    @asking("les interfaces Wi-Fi")
    def wlan_interfaces(self) -> list[WlanInterface]:
        """Return the Wi-Fi interfaces."""
        from prerequis_agent.windows import wlan

        return wlan.interfaces()

    @asking("la connexion Wi-Fi en cours")
    def wlan_connection(self, guid: str) -> WlanConnection | None:
        """Return the connection of an interface."""
        from prerequis_agent.windows import wlan

        return wlan.connection(guid)

    @asking("les réseaux Wi-Fi connus")
    def wlan_profiles(self, guid: str) -> list[str]:
        """Return the XML of the networks that an interface keeps."""
        from prerequis_agent.windows import wlan

        return wlan.profiles(guid)

    @asking("les produits du Centre de sécurité")
    def security_products(self, provider: str) -> list[SecurityProduct]:
        """Return the Security Center's products."""
        from prerequis_agent.windows import com

        return com.security_products(provider)

    @asking("les résultats de Windows Update")
    def update_results(self) -> UpdateResults:
        """Return when Windows Update last searched and installed."""
        from prerequis_agent.windows import com

        return com.update_results()

    @asking("la stratégie d'audit")
    def audit_policy(self) -> dict[str, int]:
        """Return the audit in force by subcategory GUID."""
        from prerequis_agent.windows import audit

        return audit.policy()

    @asking("les protecteurs de BitLocker")
    def key_protectors(self, device: str) -> list[int]:
        """Return the kinds of protectors of a volume."""
        from prerequis_agent.windows import bitlocker

        return bitlocker.key_protectors(device)

    @asking("le type de micrologiciel")
    def firmware_type(self) -> int:
        """Return FIRMWARE_TYPE."""
        api, kind = ctypes.WinDLL("kernel32", use_last_error=True), ctypes.c_uint()
        if not api.GetFirmwareType(ctypes.byref(kind)):
            raise failure(ctypes.get_last_error(), "le type de micrologiciel")
        return kind.value

    @asking("la session à distance")
    def remote_session(self) -> bool:
        """Return what GetSystemMetrics says of SM_REMOTESESSION."""
        return bool(ctypes.WinDLL("user32").GetSystemMetrics(_REMOTE_SESSION))

    @asking("la taille de l'écran")
    def screen_size(self) -> ScreenSize:
        """Return the main screen's size."""
        from prerequis_agent.windows import sessions

        if sessions.own() == 0:
            raise Unsupported("L'agent tourne en service : la session des services n'a pas d'écran.")
        user = ctypes.WinDLL("user32")
        aware = user.SetThreadDpiAwarenessContext
        aware.restype, aware.argtypes = ctypes.c_void_p, (ctypes.c_void_p,)
        before = aware(_PER_MONITOR_AWARE_V2)
        try:
            return ScreenSize(user.GetSystemMetrics(0), user.GetSystemMetrics(1))
        finally:
            aware(before)

    @asking("l'alimentation électrique")
    def power_status(self) -> PowerStatus:
        """Return what feeds the machine."""
        api, status = ctypes.WinDLL("kernel32", use_last_error=True), _SystemPowerStatus()
        if not api.GetSystemPowerStatus(ctypes.byref(status)):
            raise failure(ctypes.get_last_error(), "l'alimentation électrique")
        return PowerStatus(status.ac_line & 0xFF, status.battery_flag & 0xFF)

    @asking("les certificats installés")
    def certificates(self, place: str) -> list[StoredCertificate]:
        """Return the certificates of a store MY."""
        from prerequis_agent.windows import certificates

        return certificates.personal(place)
