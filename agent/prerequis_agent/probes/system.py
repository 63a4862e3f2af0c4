"""Observes the operating system: which one, how recent, when it was last updated.

Nothing is fetched and no package manager is run: to count all that waits to be installed costs apt seconds of
processor time, so that count is left unset. The security updates that wait are counted from the lists that apt fetched,
and the dates of the last upgrade and of those lists stand beside.
"""

import gzip
import io
import platform
import re
import shlex
import zlib
from datetime import UTC, datetime, tzinfo

from prerequis.v1.facts_pb2 import System
from prerequis_agent import macos, security_updates
from prerequis_agent.attributes import Attributes, fill
from prerequis_agent.errors import ParseError
from prerequis_agent.execution import MOST_BYTES
from prerequis_agent.host import Host
from prerequis_agent.probe import Observation, Probe
from prerequis_agent.windows import release as of_windows

_APT_LISTS = "/var/lib/apt/lists"
# Touched by apt after a successful fetch where update-notifier or unattended-upgrades are installed.
_APT_STAMP = "/var/lib/apt/periodic/update-success-stamp"
# Where dnf 4 and dnf 5 keep what they fetch, one directory for each repository.
_DNF_CACHES = ("/var/cache/dnf", "/var/cache/libdnf5")
_APT_LOGS = ("/var/log/apt/history.log", *(f"/var/log/apt/history.log.{number}.gz" for number in range(1, 13)))
_DNF_LOGS = ("/var/log/dnf.rpm.log", *(f"/var/log/dnf.rpm.log.{number}" for number in range(1, 5)))
# Whoever has one of these writes /run/reboot-required when it is due, so that its absence means something.
_REBOOT_NOTIFIERS = ("/usr/share/update-notifier/notify-reboot-required", "/etc/kernel/postinst.d/unattended-upgrades")
# VARIANT_ID of os-release, as Fedora and its kin write it.
_VARIANTS = {
    "workstation": System.WORKSTATION,
    "kde": System.WORKSTATION,
    "silverblue": System.WORKSTATION,
    "kinoite": System.WORKSTATION,
    "server": System.SERVER,
}
_ASSIGNMENT = re.compile(r"([A-Z][A-Z0-9_]*)=(.*)")
_OTHER_PURPOSE = re.compile(r"^Commandline: .*\s(install|reinstall|remove|purge|autoremove|build-dep)\b", re.MULTILINE)
_LABELS = {
    "distribution": "distribution", "release": "version", "kernel": "noyau", "architecture": "architecture",
    "product": "poste ou serveur", "booted_at": "date de démarrage", "updated_at": "date de la dernière mise à jour",
    "update_list_at": "date de la liste des mises à jour", "pending_updates": "mises à jour en attente",
    "reboot_required": "redémarrage en attente",
}  # fmt: skip
_LINUX_LABELS = _LABELS | {"pending_security_updates": "mises à jour de sécurité en attente"}
_WINDOWS_LABELS = _LABELS | {"edition": "édition", "build": "version interne", "build_revision": "révision"}


def parse_os_release(text: str) -> dict[str, str]:
    """Return the assignments of os-release (freedesktop.org, os-release(5)); raises ParseError on a broken quote."""
    found = {}
    for line in text.splitlines():
        assignment = _ASSIGNMENT.fullmatch(line.strip())
        if not assignment:
            continue
        try:
            found[assignment[1]] = "".join(shlex.split(assignment[2]))
        except ValueError:
            raise ParseError(f"La ligne {assignment[1]} d'os-release est mal formée.") from None
    return found


def parse_boot_time(text: str) -> datetime:
    """Return the moment of boot (UTC) that /proc/stat gives; raises ParseError when it gives none."""
    seconds = re.search(r"^btime ([0-9]{1,11})$", text, re.MULTILINE)
    if not seconds:
        raise ParseError("/proc/stat ne donne pas la date de démarrage.")
    return datetime.fromtimestamp(int(seconds[1]), UTC)


def parse_apt_history(text: str, zone: tzinfo | None = None) -> datetime | None:
    """Return when a log of apt says that the system was last upgraded (UTC), or None when it tells of no upgrade.

    The installation of one package upgrades those that it needs, and that is no upgrade of the system.
    Apt writes local time without its zone; `zone` stands for the machine's. Raises ParseError on a date that is none.
    """
    latest: datetime | None = None
    for stanza in re.split(r"\n\s*\n", text):
        ended = re.search(r"^End-Date: *(.*)$", stanza, re.MULTILINE)
        upgraded = re.search(r"^Upgrade: ", stanza, re.MULTILINE)
        if not ended or not upgraded or _OTHER_PURPOSE.search(stanza):
            continue
        try:
            moment = datetime.strptime(" ".join(ended[1].split()), "%Y-%m-%d %H:%M:%S")
            moment = (moment.replace(tzinfo=zone) if zone else moment).astimezone(UTC)
        except (ValueError, OverflowError, OSError):
            raise ParseError("L'historique d'apt contient une date illisible.") from None
        latest = max(latest or moment, moment)
    return latest


def parse_dnf_log(text: str) -> datetime | None:
    """Return when a dnf.rpm.log says that packages were last upgraded (UTC), or None when it tells of no upgrade.

    Raises ParseError on a date that is none.
    """
    upgrades = re.findall(r"^(\S+) SUBDEBUG Upgraded?: ", text, re.MULTILINE)
    try:
        moments = [datetime.strptime(moment, "%Y-%m-%dT%H:%M:%S%z").astimezone(UTC) for moment in upgrades]
    except (ValueError, OverflowError):
        raise ParseError("Le journal de dnf contient une date illisible.") from None
    return max(moments, default=None)


def parse_gzip(content: bytes) -> str:
    """Return the text of a gzip file, at most MOST_BYTES of it; raises ParseError when it is none."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            return file.read(MOST_BYTES).decode(errors="replace")
    except (OSError, EOFError, zlib.error):
        raise ParseError("Un journal compressé est illisible.") from None


def observe(host: Host) -> Observation:
    """Return the system; what it does not tell is left unset and named in the detail."""
    facts = System()
    attributes = Attributes(host)
    labels = _LABELS
    if host.platform == "win32":
        of_windows.fill_release(host, attributes, facts)
        labels = _WINDOWS_LABELS
    elif host.platform == "darwin":
        macos.fill_release(host, attributes, facts)
    else:
        _fill_from_linux(host, attributes, facts)
        labels = _LINUX_LABELS
    return Observation(facts, attributes.detail(facts, labels))


def _fill_from_linux(host: Host, attributes: Attributes, facts: System) -> None:
    facts.family = System.LINUX
    with attributes.part():
        _fill_release(host, attributes, facts)
    kernel = attributes.text("/proc/sys/kernel/osrelease") or (platform.release() if host.is_live else "")
    if kernel:
        facts.kernel = kernel
    architecture = attributes.text("/proc/sys/kernel/arch") or (platform.machine() if host.is_live else "")
    if architecture:
        facts.architecture = architecture
    with attributes.part():
        stat = attributes.text("/proc/stat")
        if stat:
            facts.booted_at.FromDatetime(parse_boot_time(stat))
    with attributes.part():
        updated = _updated_at(host)
        if updated:
            facts.updated_at.FromDatetime(updated)
    with attributes.part():
        listed = _update_list_at(host, attributes)
        if listed:
            facts.update_list_at.FromDatetime(listed)
    with attributes.part():
        fill(facts, pending_security_updates=security_updates.count(host, attributes))
    with attributes.part():
        if host.exists("/run/reboot-required"):
            facts.reboot_required = True
        elif any(host.exists(notifier) for notifier in _REBOOT_NOTIFIERS):
            facts.reboot_required = False


def _fill_release(host: Host, attributes: Attributes, facts: System) -> None:
    release = parse_os_release(attributes.text("/etc/os-release") or attributes.text("/usr/lib/os-release") or "")
    if release:
        # os-release(5): the ID of a system that gives none is linux.
        facts.distribution = release.get("ID") or "linux"
    if release.get("VERSION_ID"):
        facts.release = release["VERSION_ID"]
    product = _product(host, release)
    if product is not None:
        facts.product = product


def _product(host: Host, release: dict[str, str]) -> System.Product.ValueType | None:
    """Return what the machine is for, where its system says so or shows a graphical login."""
    variant = _VARIANTS.get(release.get("VARIANT_ID", ""))
    if variant is not None:
        return variant
    graphical = host.read_link("/etc/systemd/system/display-manager.service") is not None
    return System.WORKSTATION if graphical else None


def _updated_at(host: Host) -> datetime | None:
    """Return when packages were last upgraded; the installation of a new package updates nothing.

    A log that may not be read ends the search: an older one would give a date that is not the last.
    """
    for parse, logs in ((parse_apt_history, _APT_LOGS), (parse_dnf_log, _DNF_LOGS)):
        for log in logs:
            content = host.read_bytes(log)
            if content is None:
                continue
            found = parse(parse_gzip(content) if log.endswith(".gz") else content.decode(errors="replace"))
            if found:
                return found
    return None


def _has_apt_list(attributes: Attributes) -> bool:
    return any(name.endswith("Release") for name in attributes.names(_APT_LISTS) or [])


def _update_list_at(host: Host, attributes: Attributes) -> datetime | None:
    """Return when the list of updates was last fetched.

    Apt gives its lists the server's date, but each fetch, even of nothing new, passes through `partial`.
    """
    places = []
    if _has_apt_list(attributes):
        places += [_APT_LISTS, f"{_APT_LISTS}/partial", _APT_STAMP]
    for cache in _DNF_CACHES:
        places += [f"{cache}/{name}/repodata" for name in attributes.names(cache) or []]
    moments = [moment for place in places if (moment := host.modified_at(place))]
    return max(moments, default=None)


PROBE = Probe(
    name="system",
    observe=observe,
    about="Système d'exploitation : version, édition, dernières mises à jour, redémarrage en attente, support étendu.",
    reads=(
        "/etc/os-release",
        "/etc/systemd/system/display-manager.service",
        "/proc/stat",
        "/proc/sys/kernel/arch",
        "/proc/sys/kernel/osrelease",
        "/run/reboot-required",
        "/usr/lib/os-release",
        f"{_APT_LISTS}/partial",
        _APT_STAMP,
        "/var/log/apt/history.log*",
        "/var/log/dnf.rpm.log*",
        *(f"{cache}/*/repodata" for cache in _DNF_CACHES),
        *_REBOOT_NOTIFIERS,
        *security_updates.READS,
        *macos.READS,
    ),
    commands=(*security_updates.COMMANDS, *macos.COMMANDS),
    registry=of_windows.REGISTRY,
    cim=of_windows.CIM,
    win32=of_windows.WIN32,
)
