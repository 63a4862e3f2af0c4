"""Reads the property lists by which macOS and its programs keep their settings, whether XML or binary."""

from collections.abc import Mapping
from datetime import datetime

from prerequis_agent.errors import ParseError
from prerequis_agent.host import Host

Plist = str | int | float | bool | bytes | datetime | list["Plist"] | dict[str, "Plist"]


def parse_plist(content: bytes) -> Plist:
    """Return what a property list holds; raises ParseError when it is none, or is empty."""
    # Loaded where there is something to read: expat costs more than the reading.
    import plistlib
    from xml.parsers.expat import ExpatError

    try:
        value: Plist = plistlib.loads(content)
    except (
        plistlib.InvalidFileException,
        ExpatError,
        AttributeError,
        LookupError,
        OverflowError,
        RecursionError,
        TypeError,
        ValueError,
    ):
        raise ParseError("Une liste de propriétés de macOS est mal formée.") from None
    return value


def parse_settings(content: bytes) -> dict[str, Plist]:
    """Return the dictionary that a property list holds; raises ParseError when it holds none."""
    found = parse_plist(content)
    if not isinstance(found, dict):
        raise ParseError("Une liste de propriétés de macOS n'a pas la forme attendue.")
    return found


def parse_entries(content: bytes) -> list[dict[str, Plist]]:
    """Return the dictionaries of the list that a property list holds; raises ParseError when it holds no list."""
    found = parse_plist(content)
    if not isinstance(found, list):
        raise ParseError("Une liste de propriétés de macOS n'a pas la forme attendue.")
    return [each for each in found if isinstance(each, dict)]


def read_plist(host: Host, path: str) -> Mapping[str, Plist] | None:
    """Return the settings of a file, or None when there is no such file."""
    content = host.read_bytes(path)
    if content is None:
        return None
    value = parse_plist(content)
    return value if isinstance(value, dict) else {}


def run_plist(host: Host, *argv: str) -> Plist:
    """Return the property list that a program writes, past the lines that it says before."""
    said = host.run(*argv).stdout
    start = said.find("<?xml")
    return parse_plist(said[max(start, 0) :].encode())
