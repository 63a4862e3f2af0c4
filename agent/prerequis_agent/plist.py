"""Reads property lists, XML or binary, by which macOS and its programs keep their settings."""

from prerequis_agent.errors import ParseError


def read_plist(content: bytes) -> dict[str, object]:
    """Return the dictionary that a property list holds; raises ParseError when it holds none."""
    found = _load(content)
    if not isinstance(found, dict):
        raise ParseError("Une liste de propriétés de macOS n'a pas la forme attendue.")
    return found


def read_plist_entries(content: bytes) -> list[dict[str, object]]:
    """Return the dictionaries of the list that a property list holds; raises ParseError when it holds no list."""
    found = _load(content)
    if not isinstance(found, list):
        raise ParseError("Une liste de propriétés de macOS n'a pas la forme attendue.")
    return [each for each in found if isinstance(each, dict)]


def _load(content: bytes) -> object:
    # Loaded where there is something to read: expat costs more than the reading.
    import plistlib
    from xml.parsers.expat import ExpatError

    try:
        found: object = plistlib.loads(content)
    except (plistlib.InvalidFileException, ExpatError, ValueError, TypeError, AttributeError, KeyError, OverflowError,
            IndexError, RecursionError):  # fmt: skip
        raise ParseError("Une liste de propriétés de macOS est mal formée.") from None
    return found
