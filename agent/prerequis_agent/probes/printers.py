"""Observes how many printers everybody on this machine has, and how exposed its print service is."""

import re

from prerequis.v1.software_pb2 import Printers
from prerequis_agent.attributes import Attributes, fill
from prerequis_agent.errors import ProbeError
from prerequis_agent.host import Host
from prerequis_agent.probe import Observation, Probe

_PRINT = r"HKLM\SYSTEM\CurrentControlSet\Control\Print"
_PRINTERS = rf"{_PRINT}\Printers"
_POLICY = r"HKLM\SOFTWARE\Policies\Microsoft\Windows NT\Printers"
_POINT_AND_PRINT = rf"{_POLICY}\PointAndPrint"
_VERSION = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
# Ports that lead to a file, a fax or a note; the names of these printers are translated, their ports are not.
_NO_PAPER = frozenset({"portprompt:", "shrfax:", "nul:", "nul", "xpsport:", "file:", "microsoft.office.onenote"})
_RUNNING = 4
# RegisterSpoolerRemoteRpcEndPoint: 1 the spooler takes calls from the network, 2 it does not.
_REMOTE = {1: True, 2: False}
# The first build that came out after the update of August 2021 (KB5005652), since which only administrators install
# drivers where nothing is set.
_BUILD_AFTER_KB5005652 = 19044

_CUPS_PRINTERS = "/etc/cups/printers.conf"
_CUPS_SETTINGS = "/etc/cups/cupsd.conf"
# The unit of a service that runs has a control group (systemd, cgroup version 2, then 1).
_GROUPS = ("/sys/fs/cgroup/system.slice", "/sys/fs/cgroup/systemd/system.slice")
_LISTEN = re.compile(r"^\s*(?:Listen|Port|SSLListen|SSLPort)\s+(\S+)", re.MULTILINE | re.IGNORECASE)
_LOCAL = re.compile(r"localhost(:\d+)?|127\.[0-9.]+(:\d+)?|\[::1\](:\d+)?|/.*", re.IGNORECASE)

_LABELS = {
    "count": "nombre d'imprimantes", "spooler_running": "service d'impression",
    "spooler_remote": "service d'impression ouvert au réseau",
}  # fmt: skip
_WINDOWS_LABELS = _LABELS | {"drivers_need_administrator": "installation des pilotes"}


def parse_cups_printers(text: str) -> int:
    """Return how many printers printers.conf describes (CUPS, printers.conf(5))."""
    return len(re.findall(r"^<(?:Default)?Printer\s", text, re.MULTILINE))


def parse_cups_listens(text: str) -> bool:
    """Return whether cupsd.conf lets CUPS listen elsewhere than on the machine itself (cupsd.conf(5))."""
    return any(not _LOCAL.fullmatch(place) for place in _LISTEN.findall(text))


def observe(host: Host) -> Observation:
    """Return the count of printers and the state of the print service; no printer's name leaves."""
    facts = Printers()
    attributes = Attributes(host)
    if host.platform == "win32":
        _fill_from_windows(host, attributes, facts)
        return Observation(facts, attributes.detail(facts, _WINDOWS_LABELS))
    _fill_from_cups(host, attributes, facts)
    if facts == Printers():
        raise attributes.absence("ses imprimantes")
    return Observation(facts, attributes.detail(facts, _LABELS))


def _fill_from_windows(host: Host, attributes: Attributes, facts: Printers) -> None:
    names = attributes.subkeys(_PRINTERS)
    # The key is there on a Windows without any printer: its absence says nothing.
    if names is not None and "Printers" in (attributes.subkeys(_PRINT) or ()):
        ports = [(attributes.string(rf"{_PRINTERS}\{name}", "Port") or "").lower() for name in names]
        facts.count = sum(port not in _NO_PAPER and not port.startswith("microsoft.") for port in ports)
    with attributes.part():
        service = host.win32().service("Spooler")
        facts.spooler_running = service is not None and service.state == _RUNNING
    remote = attributes.dword(_POLICY, "RegisterSpoolerRemoteRpcEndPoint")
    fill(facts, spooler_remote=_REMOTE.get(remote) if remote is not None else None)
    restricted = attributes.dword(_POINT_AND_PRINT, "RestrictDriverInstallationToAdministrators")
    build = attributes.string(_VERSION, "CurrentBuildNumber") or ""
    if restricted is not None:
        facts.drivers_need_administrator = restricted != 0
    elif build.isdecimal() and int(build) >= _BUILD_AFTER_KB5005652 and not attributes.is_refused:
        facts.drivers_need_administrator = True


def _fill_from_cups(host: Host, attributes: Attributes, facts: Printers) -> None:
    with attributes.part():
        if host.exists("/etc") and not host.exists("/etc/cups"):
            # A system without CUPS prints nothing.
            facts.count, facts.spooler_running, facts.spooler_remote = 0, False, False
            return
    printers = _text(host, attributes, _CUPS_PRINTERS)
    if printers is not None:
        facts.count = parse_cups_printers(printers)
    with attributes.part():
        if any(host.exists(groups) for groups in _GROUPS):
            facts.spooler_running = any(host.exists(f"{groups}/cups.service") for groups in _GROUPS)
    settings = _text(host, attributes, _CUPS_SETTINGS)
    if settings:
        facts.spooler_remote = parse_cups_listens(settings)


def _text(host: Host, attributes: Attributes, path: str) -> str | None:
    """Return a file that CUPS writes when it has something to say, so that its absence is empty; None when refused."""
    content = attributes.text(path)
    try:
        return content or ("" if not host.exists(path) else None)
    except ProbeError:
        return None


PROBE = Probe(
    name="printers",
    observe=observe,
    about="Imprimantes, en nombre, et service d'impression.",
    reads=(_CUPS_PRINTERS, _CUPS_SETTINGS, *(f"{groups}/cups.service" for groups in _GROUPS)),
    registry=(rf"{_PRINTERS}\*", _POINT_AND_PRINT, _VERSION),
    win32=("service",),
)
