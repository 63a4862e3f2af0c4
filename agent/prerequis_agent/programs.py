"""Finds the programs of `programs.toml` on a machine; whatever else is installed is passed over unseen.

What is installed is asked once for a host, however many probes want a part of it.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from threading import Lock
from weakref import WeakKeyDictionary

from prerequis_agent.attributes import Attributes
from prerequis_agent.errors import NotPermitted, ParseError, Unreadable, Unsupported
from prerequis_agent.host import Host
from prerequis_agent.plists import parse_settings

_LIST = Path(__file__).with_name("programs.toml")

_UNINSTALL = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall"
_SERVICES = r"HKLM\SYSTEM\CurrentControlSet\Services"
_DPKG = "/var/lib/dpkg/status"
_RPM_DATABASES = ("/var/lib/rpm", "/usr/lib/sysimage/rpm")
# The packages by which Ubuntu hands over to a snap have a version such as 1:1snap1-0ubuntu5 and bring no program.
_HANDS_OVER = re.compile(r"([0-9]+:)?[0-9]+snap[0-9]")


@dataclass(frozen=True, slots=True)
class Program:
    """One row of the list; each field says how the program is recognised."""

    id: str
    kind: str
    channel: str | None = None
    windows: tuple[str, ...] = ()
    key: str | None = None
    service: str | None = None
    packages: tuple[str, ...] = ()
    unit: str | None = None
    snap: tuple[str, ...] = ()
    flatpak: tuple[str, ...] = ()
    macos: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Installed:
    """A program of the list that is there; version is None where nothing tells it."""

    program: Program
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Inventory:
    """What was found, in the order of the list, and in French what could not be looked into."""

    found: tuple[Installed, ...]
    detail: str = ""

    def of(self, *kinds: str) -> list[Installed]:
        """Return what was found of some kinds."""
        return [each for each in self.found if each.program.kind in kinds]


@cache
def programs() -> tuple[Program, ...]:
    """Return the list."""
    tables = tomllib.loads(_LIST.read_text(encoding="utf-8"))
    return tuple(_program(kind, row) for kind, rows in tables.items() for row in rows)


def _program(kind: str, row: Mapping[str, str | list[str]]) -> Program:
    def text(name: str) -> str | None:
        value = row.get(name)
        return value if isinstance(value, str) else None

    def texts(name: str) -> tuple[str, ...]:
        return tuple(row.get(name, ()))

    return Program(
        id=str(row["id"]),
        kind=kind,
        channel=text("channel"),
        windows=texts("windows"),
        key=text("key"),
        service=text("service"),
        packages=texts("packages"),
        unit=text("unit"),
        snap=texts("snap"),
        flatpak=texts("flatpak"),
        macos=texts("macos"),
        files=texts("files"),
    )


def parse_dpkg_status(text: str, wanted: frozenset[str]) -> dict[str, str]:
    """Return the versions of those wanted packages that /var/lib/dpkg/status says are installed.

    Raises ParseError when such a package has no version.
    """
    found = {}
    for stanza in ("\n" + text).split("\nPackage: "):
        name = stanza.partition("\n")[0]
        if name not in wanted or "\nStatus: install ok installed\n" not in stanza:
            continue
        version = re.search(r"^Version: (\S+)$", stanza, re.MULTILINE)
        if not version:
            raise ParseError(f"L'état de dpkg ne donne pas la version de {name}.")
        found[name] = version[1]
    return found


def parse_rpm_answer(text: str) -> dict[str, str]:
    """Return the versions that `rpm --query` gives as lines of a name, a tab and a version; other lines are skipped."""
    return {name: version for line in text.splitlines() for name, tab, version in [line.partition("\t")] if tab}


def upstream(version: str) -> str:
    """Return the version that the program's makers gave, without what a distribution adds before and after it."""
    without_epoch = version.partition(":")[2] or version
    without_revision = without_epoch.rpartition("-")[0] or without_epoch
    return without_revision.partition("+")[0].removesuffix("esr")


_inventories: WeakKeyDictionary[Host, Inventory] = WeakKeyDictionary()
_one_at_a_time = Lock()


def inventory(host: Host) -> Inventory:
    """Return the programs of the list that are installed; raises ProbeError when nothing tells what is."""
    with _one_at_a_time:
        if host not in _inventories:
            look = {"win32": _on_windows, "darwin": _on_macos}.get(host.platform, _on_linux)
            _inventories[host] = look(host)
        return _inventories[host]


def _told(found: Iterable[Installed], detail: str = "") -> Inventory:
    """Return each program once for each version, and without a version only where no other source gives one."""
    unique = set(found)
    versioned = {each.program.id for each in unique if each.version}
    rank = {program: index for index, program in enumerate(programs())}
    kept = [each for each in unique if each.version or each.program.id not in versioned]
    return Inventory(tuple(sorted(kept, key=lambda each: (rank[each.program], each.version or ""))), detail)


# Windows: the keys of "Programs and Features" in both views and of whoever is logged on, never Win32_Product, which
# repairs what it lists; then keys and services of the programs themselves.


def _on_windows(host: Host) -> Inventory:
    shown: list[tuple[str, str | None]] = []
    hidden = False
    keys = [(rf"HKLM\{_UNINSTALL}", False), (rf"HKLM\{_UNINSTALL}", True)]
    for key, view32 in keys:
        shown += _uninstall_entries(host, key, view32)
    if not shown:
        # A Windows without one entry is not a Windows without programs.
        raise Unreadable("Le registre ne liste aucun programme installé.")
    for hive in Attributes(host).hives():
        try:
            shown += _uninstall_entries(host, rf"{hive}\{_UNINSTALL}", False)
        except NotPermitted:
            hidden = True
    found = [*_recognised(shown), *_by_key(host), *_by_service(host)]
    detail = "Programmes propres à d'autres comptes : visibles de l'administrateur seul." if hidden else ""
    return _told(found, detail)


def _uninstall_entries(host: Host, key: str, view32: bool) -> Iterator[tuple[str, str | None]]:
    """Give the name and version of each program that "Programs and Features" shows."""
    for name in host.registry_keys(key, view32=view32) or []:
        values = host.registry_values(rf"{key}\{name}", view32=view32) or {}
        shown, version = values.get("DisplayName"), values.get("DisplayVersion")
        # Parts of a program carry its name and a version of their own.
        if isinstance(shown, str) and values.get("SystemComponent") != 1:
            yield shown, version if isinstance(version, str) else None


def _recognised(shown: Iterable[tuple[str, str | None]]) -> Iterator[Installed]:
    by_first_word: dict[str, list[tuple[str, Program]]] = {}
    for program in programs():
        for pattern in program.windows:
            folded = pattern.casefold()
            by_first_word.setdefault(_first_word(folded), []).append((folded, program))
    for name, version in shown:
        folded = name.casefold()
        for pattern, program in by_first_word.get(_first_word(folded), ()):
            if fnmatchcase(folded, pattern):
                yield Installed(program, version)
                break


def _first_word(name: str) -> str:
    return re.split(r"[ *(]", name, maxsplit=1)[0]


def _by_key(host: Host) -> Iterator[Installed]:
    for program in programs():
        for view32 in (False, True) if program.key else ():
            version = host.registry_value(program.key or "", "Version", view32=view32)
            if isinstance(version, str):
                yield Installed(program, version)


def _by_service(host: Host) -> Iterator[Installed]:
    for program in programs():
        if program.service and host.registry_keys(rf"{_SERVICES}\{program.service}") is not None:
            yield Installed(program)


# Linux.


def _on_linux(host: Host) -> Inventory:
    packages = _packages(host, frozenset(name for program in programs() for name in program.packages))
    found = [
        Installed(program, upstream(packages[name]))
        for program in programs()
        for name in program.packages
        if name in packages and not _HANDS_OVER.match(packages[name])
    ]
    for program in programs():
        for name in program.snap:
            snap = host.read_text(f"/snap/{name}/current/meta/snap.yaml")
            version = re.search(r"^version: *['\"]?([^'\"\s]+)", snap or "", re.MULTILINE)
            found += [Installed(program, version and upstream(version[1]))] if snap else []
        found += [Installed(program) for name in program.flatpak if host.exists(f"/var/lib/flatpak/app/{name}/current")]
    return _told([*found, *_by_file(host)])


def _packages(host: Host, wanted: frozenset[str]) -> Mapping[str, str]:
    status = host.read_text(_DPKG)
    if status:
        return parse_dpkg_status(status, wanted)
    if any(host.exists(database) for database in _RPM_DATABASES):
        # It exits with the number of packages that are not installed.
        answer = host.run("rpm", "--query", "--queryformat", r"%{NAME}\t%{VERSION}\n", *sorted(wanted))
        if not answer.stdout.strip():
            raise Unreadable("rpm ne répond rien sur les paquets installés.")
        return parse_rpm_answer(answer.stdout)
    raise Unsupported("L'agent ne lit les paquets que de dpkg et de rpm.")


def _by_file(host: Host) -> Iterator[Installed]:
    for program in programs():
        if any(host.exists(path) for path in program.files):
            yield Installed(program)


# macOS.


def _on_macos(host: Host) -> Inventory:
    if not host.exists("/Applications"):
        raise Unsupported("Ce Mac ne montre pas son dossier Applications.")
    found = []
    for program in programs():
        for name in program.macos:
            content = host.read_bytes(f"/Applications/{name}/Contents/Info.plist")
            if content is not None:
                version = parse_settings(content).get("CFBundleShortVersionString")
                found.append(Installed(program, version if isinstance(version, str) else None))
    return _told([*found, *_by_file(host)])


READS = (
    _DPKG,
    *_RPM_DATABASES,
    "/snap/*/current/meta/snap.yaml",
    "/var/lib/flatpak/app/*/current",
    "/Applications/*/Contents/Info.plist",
    "/Applications/*/*/Contents/Info.plist",
    *(path for program in programs() for path in program.files),
)
"""Paths that finding the programs reads."""

COMMANDS = ("rpm",)
"""Programs that finding the programs runs."""

REGISTRY = (
    rf"HKLM\{_UNINSTALL}\*",
    rf"HKU\*\{_UNINSTALL}\*",
    rf"HKCU\{_UNINSTALL}\*",
    rf"{_SERVICES}\*",
    *(program.key for program in programs() if program.key),
)
"""Registry keys that finding the programs reads, in both views."""
