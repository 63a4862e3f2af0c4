"""Reads the property lists of macOS, whether XML or binary."""

from collections.abc import Mapping
from datetime import datetime

from prerequis_agent.errors import ParseError
from prerequis_agent.host import Host

Plist = str | int | float | bool | bytes | datetime | list["Plist"] | dict[str, "Plist"]


def parse_plist(content: bytes) -> Plist:
    """Return what a property list holds; raises ParseError when it is none, or is empty."""
    # Loaded here: it brings an XML parser, which no other system needs.
    import plistlib
    from xml.parsers.expat import ExpatError

    try:
        value: Plist = plistlib.loads(content)
    except (plistlib.InvalidFileException, ExpatError, ValueError, OverflowError, LookupError, RecursionError):
        raise ParseError("Une liste de propriétés de macOS n'a pas la forme attendue.") from None
    return value


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
