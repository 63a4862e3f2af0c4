"""Observes whether the clock is kept right: the service, its source, and whether it has found it."""

import re
from contextlib import suppress

from prerequis.v1.exposure_pb2 import TimeSync
from prerequis_agent.attributes import Attributes, fill
from prerequis_agent.errors import NotPermitted, Unreadable, Unsupported
from prerequis_agent.host import Host
from prerequis_agent.probe import Observation, Probe

_LABELS = {"enabled": "service actif", "synchronised": "horloge synchronisée", "source_configured": "source de l'heure"}

_SERVICE = r"HKLM\SYSTEM\CurrentControlSet\Services\W32Time"
_PARAMETERS = (r"HKLM\SOFTWARE\Policies\Microsoft\W32Time\Parameters", rf"{_SERVICE}\Parameters")
_CLIENT = (r"HKLM\SOFTWARE\Policies\Microsoft\W32Time\TimeProviders\NtpClient", rf"{_SERVICE}\TimeProviders\NtpClient")
_DISABLED = 4
# Microsoft, "Windows Time Service tools and settings", Parameters\Type.
_SOURCES = {"nosync": False, "ntp": True, "nt5ds": True, "allsync": True}

_WANTED = ("/etc/systemd/system/sysinit.target.wants", "/etc/systemd/system/multi-user.target.wants")
_TIMESYNCD = "systemd-timesyncd.service"
_DAEMONS = {
    "chrony.service": ("/etc/chrony/chrony.conf", "/etc/chrony/sources.d", "/etc/chrony/conf.d"),
    "chronyd.service": ("/etc/chrony.conf", "/etc/chrony.d"),
    "ntpsec.service": ("/etc/ntpsec/ntp.conf",),
    "ntp.service": ("/etc/ntp.conf",),
    "ntpd.service": ("/etc/ntp.conf",),
}
# systemd-timesyncd touches it each time that it has set the clock (systemd-timesyncd.service(8)).
_SYNCHRONISED = "/run/systemd/timesync/synchronized"
_TIMESYNCD_SETTINGS = ("/etc/systemd/timesyncd.conf", "/etc/systemd/timesyncd.conf.d")
_NTP_SOURCE = re.compile(r"^[ \t]*(?:server|pool|peer|refclock)[ \t]+\S", re.MULTILINE)
_TIMESYNCD_SOURCE = re.compile(r"^[ \t]*(NTP|FallbackNTP)[ \t]*=[ \t]*(.*?)[ \t]*$", re.MULTILINE)


def parse_systemsetup(text: str) -> bool:
    """Return what `systemsetup -getusingnetworktime` says; raises NotPermitted or Unreadable when it says nothing."""
    if "administrator" in text:
        raise NotPermitted("Seul l'administrateur voit si l'heure vient du réseau : relancer l'agent avec sudo.")
    said = re.search(r"Network Time: (On|Off)", text)
    if not said:
        raise Unreadable("systemsetup ne dit pas si l'heure vient du réseau.")
    return said[1] == "On"


def has_source(text: str) -> bool | None:
    """Return whether a timesyncd.conf leaves a source, or None when it leaves that to the system's own list."""
    said = dict(_TIMESYNCD_SOURCE.findall(text))
    return any(said.values()) if "FallbackNTP" in said or said.get("NTP") else None


def observe(host: Host) -> Observation:
    """Return what keeps the clock; raises NotPermitted or Unsupported when nothing tells."""
    attributes = Attributes(host)
    facts = TimeSync()
    if host.platform == "win32":
        _fill_from_windows(attributes, facts)
    elif host.platform == "linux":
        _fill_from_linux(host, attributes, facts)
    elif host.platform == "darwin":
        answer = host.run("systemsetup", "-getusingnetworktime")
        facts.enabled = parse_systemsetup(answer.stdout + answer.stderr)
        facts.source_configured = bool(_NTP_SOURCE.search(attributes.text("/etc/ntp.conf") or "")) or facts.enabled
    if facts == TimeSync():
        raise attributes.absence("ce qui règle son horloge")
    return Observation(facts, attributes.detail(facts, _LABELS))


def _fill_from_windows(attributes: Attributes, facts: TimeSync) -> None:
    kind = next(filter(None, (attributes.string(key, "Type") for key in _PARAMETERS)), None)
    fill(facts, source_configured=_SOURCES.get((kind or "").lower()))
    start = attributes.dword(_SERVICE, "Start")
    clients = (attributes.dword(key, "Enabled") for key in _CLIENT)
    # The policy is the first of the two, and wins.
    client = next((enabled for enabled in clients if enabled is not None), None)
    if start == _DISABLED or client == 0:
        facts.enabled = False
    elif start is not None and client is not None:
        facts.enabled = True


def _fill_from_linux(host: Host, attributes: Attributes, facts: TimeSync) -> None:
    wanted = {name for place in _WANTED for name in attributes.names(place) or []}
    if not host.exists("/etc/systemd/system"):
        return
    daemons = [name for name in _DAEMONS if name in wanted]
    facts.enabled = bool(daemons) or _TIMESYNCD in wanted
    if daemons:
        texts = [text for name in daemons for place in _DAEMONS[name] for text in _texts(attributes, place)]
        if texts:
            facts.source_configured = any(map(_NTP_SOURCE.search, texts))
    elif facts.enabled:
        said = [has_source(text) for place in _TIMESYNCD_SETTINGS for text in _texts(attributes, place)]
        # Every distribution builds its own servers into timesyncd.
        facts.source_configured = next((each for each in reversed(said) if each is not None), True)
        facts.synchronised = host.exists(_SYNCHRONISED)
    # Where the kernel answers, it knows better, whatever keeps its clock.
    with suppress(NotPermitted, Unsupported):
        clock = host.clock()
        facts.synchronised = clock.synchronised
        fill(facts, largest_error_seconds=clock.largest_error_seconds if clock.synchronised else None)


def _texts(attributes: Attributes, place: str) -> list[str]:
    """Return the text of a file, or of each file of a directory named `.d`."""
    if not place.endswith(".d"):
        text = attributes.text(place)
        return [text] if text else []
    return [text for name in attributes.names(place) or [] if (text := attributes.text(f"{place}/{name}"))]


PROBE = Probe(
    name="time_sync",
    observe=observe,
    about="Synchronisation de l'heure.",
    administrator="le réglage de l'heure du réseau (macOS)",
    reads=(
        "/etc/systemd/system",
        *(f"{place}/*" for place in _WANTED),
        *(place + ("/*" if place.endswith(".d") else "") for places in _DAEMONS.values() for place in places),
        *(place + ("/*" if place.endswith(".d") else "") for place in _TIMESYNCD_SETTINGS),
        _SYNCHRONISED,
    ),
    commands=("systemsetup",),
    registry=(_SERVICE, *_PARAMETERS, *_CLIENT),
)
