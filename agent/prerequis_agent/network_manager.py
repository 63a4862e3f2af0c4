"""Reads the connections that NetworkManager keeps (nm-settings-keyfile(5)); names and secrets stay on the machine."""

from dataclasses import dataclass

from prerequis_agent.attributes import Attributes

_PLACES = tuple(f"{root}/NetworkManager/system-connections" for root in ("/etc", "/run", "/usr/lib"))
_DEVICES = "/run/NetworkManager/devices"

NETWORK_MANAGER_FILES = (*(f"{place}/*" for place in _PLACES), f"{_DEVICES}/*")
"""What is read; the connections by root alone."""

Settings = dict[str, dict[str, str]]
"""The values of a key file, by section."""


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection that NetworkManager keeps, and whether it is in use."""

    settings: Settings
    active: bool

    def value(self, section: str, name: str) -> str | None:
        """Return one setting, or None when it is left to its default."""
        return self.settings.get(section, {}).get(name)


@dataclass(frozen=True, slots=True)
class Kept:
    """What could be read; `complete` is False when a connection was refused."""

    connections: list[Connection]
    complete: bool


def kept_connections(attributes: Attributes) -> Kept | None:
    """Return the connections, or None where NetworkManager keeps none because it is not there."""
    files = {place: attributes.names(place) for place in _PLACES}
    if all(names is None for names in files.values()):
        return None
    texts = [attributes.text(f"{place}/{name}") for place, names in files.items() for name in names or []]
    devices = [parse_keyfile(attributes.text(f"{_DEVICES}/{name}") or "") for name in attributes.names(_DEVICES) or []]
    active = {device.get("device", {}).get("connection-uuid") for device in devices} - {None}
    found = [parse_keyfile(text) for text in texts if text is not None]
    connections = [Connection(each, each.get("connection", {}).get("uuid") in active) for each in found]
    return Kept(connections, None not in texts)


def connection_of(attributes: Attributes, index: int | None) -> Connection | None:
    """Return the connection in use on the interface of this number, or None where there is none or it is refused."""
    device = parse_keyfile(attributes.text(f"{_DEVICES}/{index}") or "").get("device", {})
    uuid = device.get("connection-uuid")
    kept = kept_connections(attributes) if uuid else None
    found = [each for each in kept.connections if each.value("connection", "uuid") == uuid] if kept else []
    return found[0] if found else None


def parse_keyfile(text: str) -> Settings:
    """Return the settings of a key file by section; lines that are no settings are passed over."""
    settings: Settings = {}
    section: dict[str, str] = {}
    for line in text.splitlines():
        content = line.strip()
        if content.startswith("[") and content.endswith("]"):
            section = settings.setdefault(content[1:-1], {})
        elif "=" in content and not content.startswith(("#", ";")):
            name, _, value = content.partition("=")
            section[name.strip()] = value.strip()
    return settings
