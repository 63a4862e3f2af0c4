"""Observes what saves this machine's data elsewhere: agents of the list, OneDrive, redirected folders, Time Machine."""

from datetime import UTC, datetime

from prerequis.v1.software_pb2 import Backup
from prerequis_agent import programs
from prerequis_agent.attributes import Attributes
from prerequis_agent.host import Host
from prerequis_agent.plists import parse_settings
from prerequis_agent.probe import Observation, Probe

_ONEDRIVE = r"Software\Microsoft\OneDrive\Accounts\Business1"
_FOLDERS = r"Software\Microsoft\Windows\CurrentVersion\Explorer\User Shell Folders"
_TIME_MACHINE = "/Library/Preferences/com.apple.TimeMachine.plist"

_LABELS = {"last_success_at": "date de la dernière sauvegarde"}


def parse_time_machine(content: bytes) -> tuple[bool, datetime | None]:
    """Return whether Time Machine saves by itself somewhere, and when it last did (UTC).

    Raises ParseError when its settings have another form.
    """
    settings = parse_settings(content)
    destinations = settings.get("Destinations")
    places = [each for each in destinations if isinstance(each, dict)] if isinstance(destinations, list) else []
    moments = [
        moment.replace(tzinfo=UTC)
        for place in places
        if isinstance(dates := place.get("SnapshotDates"), list)
        for moment in dates
        if isinstance(moment, datetime)
    ]
    return bool(places and settings.get("AutoBackup")), max(moments, default=None)


def observe(host: Host) -> Observation:
    """Return what saves the data of this machine; no agent means that none of the list is there."""
    facts = Backup()
    attributes = Attributes(host)
    found = programs.inventory(host)
    agents = [each.program.id for each in found.of("backup")]
    if host.platform == "win32":
        agents += _of_windows(attributes)
    elif host.platform == "darwin":
        with attributes.part():
            settings = host.read_bytes(_TIME_MACHINE)
            automatic, last = parse_time_machine(settings) if settings else (False, None)
            if automatic:
                agents.append("time-machine")
            if automatic and last:
                facts.last_success_at.FromDatetime(last)
    facts.agents.extend(dict.fromkeys(agents))
    labels = _LABELS if agents else {}
    return Observation(facts, " ".join(filter(None, (found.detail, attributes.detail(facts, labels)))))


def _of_windows(attributes: Attributes) -> list[str]:
    """Return where Windows itself keeps the folders of those who are signed on, other than on this machine."""
    agents = []
    for hive in attributes.hives():
        # A set of folders, as bits; 0 or absent: none.
        if attributes.dword(rf"{hive}\{_ONEDRIVE}", "KfmFoldersProtectedNow"):
            agents.append("onedrive-folders")
        if (attributes.string(rf"{hive}\{_FOLDERS}", "Personal") or "").startswith(r"\\"):
            agents.append("redirected-folders")
    return agents


PROBE = Probe(
    name="backup",
    observe=observe,
    about="Agents de sauvegarde d'une liste fermée, et date de la dernière réussite.",
    reads=(*programs.READS, _TIME_MACHINE),
    commands=programs.COMMANDS,
    registry=(
        *programs.REGISTRY, rf"HKU\*\{_ONEDRIVE}", rf"HKU\*\{_FOLDERS}", rf"HKCU\{_ONEDRIVE}", rf"HKCU\{_FOLDERS}",
    ),
)  # fmt: skip
