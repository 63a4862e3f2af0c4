"""Observes what separates an administrator's session from an administrator's rights: User Account Control."""

from prerequis.v1.access_pb2 import Elevation
from prerequis_agent.attributes import Attributes, fill
from prerequis_agent.errors import Unsupported
from prerequis_agent.host import Host
from prerequis_agent.probe import Observation, Probe

_SYSTEM = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System"
_INSTALLER = r"Software\Policies\Microsoft\Windows\Installer"

_LABELS = {
    "enabled": "contrôle de compte d'utilisateur", "administrator_prompt": "demande à l'administrateur",
    "secure_desktop": "bureau sécurisé", "remote_token_filtered": "jeton distant filtré",
    "installs_always_elevated": "installations avec élévation",
}  # fmt: skip


def observe(host: Host) -> Observation:
    """Return the settings in force; raises Unsupported outside Windows, NotPermitted when all is refused."""
    if host.platform != "win32":
        raise Unsupported("Le contrôle de compte d'utilisateur n'existe que sous Windows.")
    facts = Elevation()
    attributes = Attributes(host)
    attributes.require(_SYSTEM)
    # Defaults: "User Account Control settings and configuration", Microsoft Learn.
    enabled = attributes.dword(_SYSTEM, "EnableLUA", absent=1)
    secure = attributes.dword(_SYSTEM, "PromptOnSecureDesktop", absent=1)
    unfiltered = attributes.dword(_SYSTEM, "LocalAccountTokenFilterPolicy", absent=0)
    fill(
        facts,
        enabled=None if enabled is None else enabled != 0,
        administrator_prompt=attributes.dword(_SYSTEM, "ConsentPromptBehaviorAdmin", absent=5),
        secure_desktop=None if secure is None else secure != 0,
        remote_token_filtered=None if unfiltered is None else unfiltered == 0,
    )
    with attributes.part():
        fill(facts, installs_always_elevated=_always_elevated(host, attributes))
    if facts == Elevation():
        raise attributes.absence("son contrôle de compte d'utilisateur")
    return Observation(facts, attributes.detail(facts, _LABELS))


def _always_elevated(host: Host, attributes: Attributes) -> bool | None:
    """Return whether any package installs with SYSTEM's rights: only when machine and user both say so."""
    machine = attributes.dword(rf"HKLM\{_INSTALLER}", "AlwaysInstallElevated", absent=0)
    if machine != 1:
        return None if machine is None else False
    person = host.win32().console_user()
    if person is None or person.sid is None:
        return None
    user = attributes.dword(rf"HKU\{person.sid}\{_INSTALLER}", "AlwaysInstallElevated", absent=0)
    return None if user is None else user == 1


PROBE = Probe(
    name="elevation",
    observe=observe,
    about="Contrôle de compte d'utilisateur (UAC).",
    registry=(_SYSTEM, rf"HKLM\{_INSTALLER}", rf"HKU\*\{_INSTALLER}"),
    win32=("console_user",),
)
