"""Observes how Windows keeps secrets in memory and on the network. Never a secret."""

from prerequis.v1.access_pb2 import Credentials
from prerequis_agent.attributes import Attributes, fill
from prerequis_agent.errors import Unsupported
from prerequis_agent.host import Host
from prerequis_agent.probe import Observation, Probe

_LSA = r"HKLM\SYSTEM\CurrentControlSet\Control\Lsa"
_WDIGEST = r"HKLM\SYSTEM\CurrentControlSet\Control\SecurityProviders\WDigest"
_TERMINAL = r"HKLM\SOFTWARE\Policies\Microsoft\Windows NT\Terminal Services"
_VERSION = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
# In the order in which Windows LAPS looks ("Configure policy settings for Windows LAPS", Microsoft Learn).
_LAPS = (
    r"HKLM\SOFTWARE\Microsoft\Policies\LAPS",
    r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\LAPS",
    r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\LAPS\Config",
)
_LEGACY_LAPS = r"HKLM\SOFTWARE\Policies\Microsoft Services\AdmPwd"
_GUARD_NAMESPACE, _GUARD_CLASS = "root/Microsoft/Windows/DeviceGuard", "Win32_DeviceGuard"
# Win32_DeviceGuard: the status of a virtualisation-based security that runs, and two of its services.
_RUNNING, _CREDENTIAL_GUARD, _MEMORY_INTEGRITY = 2, 1, 2
# From Windows 11 22H2 on, the LSA may be protected although no value says so ("Configure added LSA protection").
_PROTECTED_UNSAID = 22_621

_LABELS = {
    "wdigest_in_clear": "WDigest",
    "lsa_protected": "protection de LSASS", "credential_guard_running": "Credential Guard",
    "memory_integrity_running": "intégrité de la mémoire", "laps": "LAPS", "lan_manager_level": "niveau NTLM",
    "anonymous_sam_closed": "comptes fermés aux anonymes", "anonymous_shares_closed": "partages fermés aux anonymes",
    "remote_desktop_passwords_saved": "mots de passe du bureau à distance",
}  # fmt: skip


def observe(host: Host) -> Observation:
    """Return the settings in force; raises Unsupported outside Windows, NotPermitted when all is refused."""
    if host.platform != "win32":
        raise Unsupported("Ces protections n'existent que sous Windows.")
    facts = Credentials()
    attributes = Attributes(host)
    attributes.require(_LSA)
    _fill_from_lsa(attributes, facts)
    # Since Windows 8.1 the password stays in clear only where the value is 1 (Microsoft, KB2871997).
    wdigest = attributes.dword(_WDIGEST, "UseLogonCredential", absent=0)
    unsaved = attributes.dword(_TERMINAL, "DisablePasswordSaving", absent=0)
    fill(
        facts,
        wdigest_in_clear=None if wdigest is None else wdigest == 1,
        remote_desktop_passwords_saved=None if unsaved is None else unsaved != 1,
        laps=_laps(attributes),
    )
    with attributes.part():
        _fill_from_device_guard(host, facts)
    if facts == Credentials():
        raise attributes.absence("la protection de ses secrets")
    return Observation(facts, attributes.detail(facts, _LABELS))


def _fill_from_lsa(attributes: Attributes, facts: Credentials) -> None:
    # Defaults: "Security options", Microsoft Learn; RestrictAnonymousSAM is 1 and RestrictAnonymous 0 on members.
    sam = attributes.dword(_LSA, "RestrictAnonymousSAM", absent=1)
    shares = attributes.dword(_LSA, "RestrictAnonymous", absent=0)
    fill(
        facts,
        lan_manager_level=attributes.dword(_LSA, "LmCompatibilityLevel", absent=3),
        anonymous_sam_closed=None if sam is None else sam == 1,
        anonymous_shares_closed=None if shares is None else shares >= 1,
    )
    protected = attributes.dword(_LSA, "RunAsPPL", absent=-1)
    build = attributes.string(_VERSION, "CurrentBuildNumber") or ""
    if protected == -1:
        fill(facts, lsa_protected=False if build.isdecimal() and int(build) < _PROTECTED_UNSAID else None)
    elif protected is not None:
        # 1 with and 2 without a lock in the firmware.
        facts.lsa_protected = protected in {1, 2}


def _laps(attributes: Attributes) -> Credentials.Laps.ValueType | None:
    """Return where the administrator's password is kept, by the first policy that says anything; None: not known."""
    for key in _LAPS:
        backup = attributes.dword(key, "BackupDirectory", absent=-1)
        if backup is None:
            return None
        if backup != -1:
            return {1: Credentials.ENTRA, 2: Credentials.ACTIVE_DIRECTORY}.get(backup, Credentials.NONE)
    legacy = attributes.dword(_LEGACY_LAPS, "AdmPwdEnabled", absent=0)
    if legacy is None:
        return None
    return Credentials.LEGACY if legacy == 1 else Credentials.NONE


def _fill_from_device_guard(host: Host, facts: Credentials) -> None:
    rows = host.cim(_GUARD_NAMESPACE, _GUARD_CLASS, "VirtualizationBasedSecurityStatus", "SecurityServicesRunning")
    if not rows:
        raise Unsupported("Windows ne dit pas quelles protections par virtualisation sont en marche.")
    status, services = rows[0]["VirtualizationBasedSecurityStatus"], rows[0]["SecurityServicesRunning"]
    running = services if isinstance(services, list) and status == _RUNNING else []
    facts.credential_guard_running = _CREDENTIAL_GUARD in running
    facts.memory_integrity_running = _MEMORY_INTEGRITY in running


PROBE = Probe(
    name="credentials",
    observe=observe,
    about="Protection des secrets de Windows : LSA, Credential Guard, LAPS, WDigest.",
    administrator="Credential Guard et l'intégrité de la mémoire (Windows)",
    registry=(_LSA, _WDIGEST, _TERMINAL, _VERSION, *_LAPS, _LEGACY_LAPS),
    cim=(f"{_GUARD_NAMESPACE}:{_GUARD_CLASS}",),
)
