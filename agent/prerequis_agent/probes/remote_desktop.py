"""Observes the system's own remote desktop: whether it answers, and what it asks first."""

from prerequis.v1.access_pb2 import RemoteDesktop
from prerequis_agent.attributes import Attributes, fill
from prerequis_agent.host import Host
from prerequis_agent.launchd import enabled_services
from prerequis_agent.listeners import LISTENER_FILES, listened_ports
from prerequis_agent.probe import Observation, Probe

_SERVER = r"HKLM\SYSTEM\CurrentControlSet\Control\Terminal Server"
_LISTENER = rf"{_SERVER}\WinStations\RDP-Tcp"
_POLICY = r"HKLM\SOFTWARE\Policies\Microsoft\Windows NT\Terminal Services"
_ASSISTANCE = r"HKLM\SYSTEM\CurrentControlSet\Control\Remote Assistance"
_PORT = 3389

_LABELS = {"enabled": "bureau à distance"}
_WINDOWS_LABELS = _LABELS | {
    "network_level_authentication": "authentification au niveau du réseau", "security_layer": "couche de sécurité",
    "minimum_encryption": "chiffrement minimal", "assistance": "assistance à distance",
}  # fmt: skip


def observe(host: Host) -> Observation:
    """Return the settings in force; raises NotPermitted or Unsupported when nothing is known."""
    facts = RemoteDesktop()
    attributes = Attributes(host)
    if host.platform == "win32":
        _fill_from_windows(attributes, facts)
    elif host.platform == "darwin":
        # A service that nobody ever switched is not listed, and is off.
        facts.enabled = enabled_services(host).get("com.apple.screensharing", False)
    else:
        ports = listened_ports(attributes)
        if ports is not None:
            facts.enabled = _PORT in ports
    if facts == RemoteDesktop():
        raise attributes.absence("son bureau à distance")
    return Observation(facts, attributes.detail(facts, _WINDOWS_LABELS if host.platform == "win32" else _LABELS))


def _fill_from_windows(attributes: Attributes, facts: RemoteDesktop) -> None:
    attributes.require(_SERVER)
    # Off unless somebody turned it on ("fDenyTSConnections", Microsoft Learn, unattended setup reference).
    denied = _in_force(attributes, _SERVER, "fDenyTSConnections", absent=1)
    first = _in_force(attributes, _LISTENER, "UserAuthentication")
    fill(
        facts,
        enabled=None if denied is None else denied == 0,
        network_level_authentication=None if first is None else first == 1,
        security_layer=_in_force(attributes, _LISTENER, "SecurityLayer"),
        minimum_encryption=_in_force(attributes, _LISTENER, "MinEncryptionLevel"),
    )
    asked = _in_force(attributes, _ASSISTANCE, "fAllowToGetHelp")
    offered = attributes.dword(_POLICY, "fAllowUnsolicited", absent=0)
    if asked is not None and offered is not None:
        facts.assistance = asked == 1 or offered == 1


def _in_force(attributes: Attributes, key: str, name: str, absent: int | None = None) -> int | None:
    """Return the policy's value, or else the machine's own; None when either is refused or both are absent."""
    imposed = attributes.dword(_POLICY, name, absent=-1)
    return attributes.dword(key, name, absent=absent) if imposed == -1 else imposed


PROBE = Probe(
    name="remote_desktop",
    observe=observe,
    about="Bureau à distance : ouvert ou non, niveau d'authentification.",
    reads=LISTENER_FILES,
    commands=("launchctl",),
    registry=(_POLICY, _SERVER, _LISTENER, _ASSISTANCE),
)
