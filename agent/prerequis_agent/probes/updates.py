"""Observes how the system gets its updates: by itself or not, and from whom."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import urlsplit

from prerequis.v1.software_pb2 import Updates
from prerequis_agent.attributes import Attributes
from prerequis_agent.errors import Unsupported
from prerequis_agent.host import Host
from prerequis_agent.plists import parse_settings
from prerequis_agent.probe import Observation, Probe
from prerequis_agent.windows.moments import parse_iso

_POLICY = r"HKLM\SOFTWARE\Policies\Microsoft\Windows\WindowsUpdate"
_AUTOMATIC = rf"{_POLICY}\AU"
_MANAGED = r"HKLM\SOFTWARE\Microsoft\PolicyManager\current\device\Update"
_SETTINGS = r"HKLM\SOFTWARE\Microsoft\WindowsUpdate\UX\Settings"
_VERSION = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
_DISABLED = 4
# AUOptions: 2 and 3 ask before they install, 4 installs by itself, 7 (servers) asks
# (https://learn.microsoft.com/windows/deployment/update/waas-wu-settings).
_OPTIONS = {2: False, 3: False, 4: True, 7: False}

_APT_SETTINGS = "/etc/apt/apt.conf.d"
_APT_SOURCES = "/etc/apt/sources.list"
_UNATTENDED = re.compile(r'^\s*APT::Periodic::Unattended-Upgrade\s+"?([0-9a-z]+)"?\s*;', re.MULTILINE)
_NEVER = frozenset({"0", "no", "false"})
_SECURITY_LINE = re.compile(r"^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+\S+[-/](?:security|updates)\b", re.MULTILINE)
_FIELD = re.compile(r"^(URIs|Suites|Enabled):[ \t]*(.*)$", re.MULTILINE | re.IGNORECASE)
_VENDORS = ("debian.org", "ubuntu.com", "linuxmint.com", "raspberrypi.com")
_DNF_TIMERS = ("dnf-automatic-install.timer", "dnf-automatic.timer", "dnf5-automatic.timer")
_DNF_AUTOMATIC = "/etc/dnf/automatic.conf"
_TIMERS = "/etc/systemd/system/timers.target.wants"

_MACOS = "/Library/Preferences/com.apple.SoftwareUpdate.plist"
_MACOS_IMPOSED = "/Library/Managed Preferences/com.apple.SoftwareUpdate.plist"

_LABELS = {"automatic": "mises à jour automatiques", "source": "origine des mises à jour"}
_DATES = {"searched_at": "date de la dernière recherche", "installed_at": "date de la dernière installation"}


def parse_apt_settings(texts: Iterable[str]) -> bool:
    """Return whether apt's settings, in the order in which it reads them, install updates by themselves.

    Where nothing is said apt installs none (the head of apt.systemd.daily).
    """
    said = [word for text in texts for word in _UNATTENDED.findall(text)]
    return bool(said) and said[-1] not in _NEVER


def parse_security_sources(text: str) -> list[str]:
    """Return the URLs from which apt's sources take security updates, in one-line or deb822 form (sources.list(5))."""
    urls = _SECURITY_LINE.findall(text)
    for stanza in re.split(r"\n\s*\n", text):
        fields = {name.lower(): value.strip() for name, value in _FIELD.findall(stanza)}
        suites, enabled = fields.get("suites", "").split(), fields.get("enabled", "yes").lower()
        if enabled not in _NEVER and any(suite.endswith(("-security", "/updates")) for suite in suites):
            urls += fields.get("uris", "").split()
    return urls


def observe(host: Host) -> Observation:
    """Return how updates come; what the system does not say is left unset and named in the detail."""
    facts = Updates()
    attributes = Attributes(host)
    fill, labels = {
        "win32": (_fill_from_windows, _LABELS | _DATES), "darwin": (_fill_from_macos, _LABELS),
    }.get(host.platform, (_fill_from_linux, _LABELS))  # fmt: skip
    fill(host, attributes, facts)
    if facts == Updates():
        raise attributes.absence("comment il se met à jour")
    return Observation(facts, attributes.detail(facts, labels))


def _fill_from_windows(host: Host, attributes: Attributes, facts: Updates) -> None:
    with attributes.part():
        automatic = _windows_automatic(host, attributes)
        if automatic is not None:
            facts.automatic = automatic
    managed = attributes.subkeys(_MANAGED) is not None and host.registry_values(_MANAGED)
    server = attributes.string(_POLICY, "WUServer")
    if attributes.dword(_AUTOMATIC, "UseWUServer") == 1 and server:
        facts.source = Updates.OWN_SERVER
        facts.plain_http = server.lower().startswith("http://")
    elif not attributes.is_refused:
        facts.source = Updates.MANAGED if managed else Updates.VENDOR
        facts.plain_http = False
    with attributes.part():
        paused = attributes.string(_SETTINGS, "PauseUpdatesExpiryTime")
        if paused:
            facts.paused_until.FromDatetime(parse_iso(paused))
    with attributes.part():
        results = host.win32().update_results()
        if results.searched_at:
            facts.searched_at.FromDatetime(results.searched_at)
        if results.installed_at:
            facts.installed_at.FromDatetime(results.installed_at)


def _windows_automatic(host: Host, attributes: Attributes) -> bool | None:
    """Return whether Windows installs updates by itself; None where neither a policy nor a default tells."""
    service = host.win32().service("wuauserv")
    off = attributes.dword(_AUTOMATIC, "NoAutoUpdate") == 1
    if off or (service is not None and service.start == _DISABLED):
        return False
    option = attributes.dword(_AUTOMATIC, "AUOptions")
    if option is not None:
        return _OPTIONS.get(option)
    # A workstation whose policy says nothing installs by itself; what a server does, its setup decided (C-34-03).
    is_client = attributes.string(_VERSION, "InstallationType") == "Client"
    return True if is_client and not attributes.is_refused else None


def _fill_from_linux(host: Host, attributes: Attributes, facts: Updates) -> None:
    if attributes.names(_APT_SETTINGS) is not None:
        with attributes.part():
            facts.automatic = _apt_automatic(host)
        with attributes.part():
            _fill_source(host, facts)
    elif host.exists("/etc/dnf"):
        with attributes.part():
            facts.automatic = _dnf_automatic(host)


def _apt_automatic(host: Host) -> bool:
    # apt passes over names that have another ending than .conf.
    names = [name for name in host.list_dir(_APT_SETTINGS) if "." not in name or name.endswith(".conf")]
    said = parse_apt_settings(host.read_text(f"{_APT_SETTINGS}/{name}") or "" for name in names)
    return said and host.exists("/usr/bin/unattended-upgrade")


def _fill_source(host: Host, facts: Updates) -> None:
    names = [name for name in host.list_dir(f"{_APT_SOURCES}.d") if name.endswith((".list", ".sources"))]
    files = [_APT_SOURCES, *(f"{_APT_SOURCES}.d/{name}" for name in names)]
    urls = [url for file in files for url in parse_security_sources(host.read_text(file) or "")]
    hosts = [(urlsplit(url).hostname or "") for url in urls]
    own = [
        url
        for url, name in zip(urls, hosts, strict=True)
        if not any(name == vendor or name.endswith(f".{vendor}") for vendor in _VENDORS)
    ]
    if urls:
        facts.source = Updates.OWN_SERVER if own else Updates.VENDOR
        facts.plain_http = any(url.lower().startswith("http://") for url in own)


def _dnf_automatic(host: Host) -> bool:
    timers = [timer for timer in _DNF_TIMERS if host.read_link(f"{_TIMERS}/{timer}") is not None]
    if not timers:
        return False
    applies = re.search(r"^\s*apply_updates\s*=\s*(\S+)", host.read_text(_DNF_AUTOMATIC) or "", re.MULTILINE)
    return timers[0] == _DNF_TIMERS[0] or (applies is not None and applies[1].lower() in {"yes", "true", "1"})


def _fill_from_macos(host: Host, attributes: Attributes, facts: Updates) -> None:
    with attributes.part():
        imposed, own = (
            parse_settings(content) if (content := host.read_bytes(path)) else {} for path in (_MACOS_IMPOSED, _MACOS)
        )
        if not own and not imposed:
            raise Unsupported("macOS ne montre pas ses réglages de mise à jour.")
        settings = own | imposed
        automatic, searched = settings.get("AutomaticallyInstallMacOSUpdates"), own.get("LastSuccessfulDate")
        if isinstance(automatic, bool | int):
            facts.automatic = bool(automatic)
        facts.source = Updates.MANAGED if imposed else Updates.VENDOR
        if isinstance(searched, datetime):
            facts.searched_at.FromDatetime(searched.replace(tzinfo=UTC))


PROBE = Probe(
    name="updates",
    observe=observe,
    about="Mises à jour : automatiques ou non, source, dernières recherche et installation.",
    reads=(
        f"{_APT_SETTINGS}/*", _APT_SOURCES, f"{_APT_SOURCES}.d/*", "/usr/bin/unattended-upgrade", _DNF_AUTOMATIC,
        *(f"{_TIMERS}/{timer}" for timer in _DNF_TIMERS), _MACOS, _MACOS_IMPOSED,
    ),
    registry=(_AUTOMATIC, _MANAGED, _SETTINGS, _VERSION),
    win32=("service", "update_results"),
)  # fmt: skip
