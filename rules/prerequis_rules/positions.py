"""Where the keys and strings of a TOML text stand, so that a fault is shown by line and column."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Path = tuple[str | int, ...]
"""Keys and list indices from the top of the document."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}\r\n#]*")
_STRING = re.compile(
    r'"""(?:\r?\n)?((?:\\[\s\S]|[^\\])*?)"""(?!")'
    r"|'''(?:\r?\n)?([\s\S]*?)'''(?!')"
    r'|"((?:\\.|[^"\\\n])*)"'
    r"|'([^'\n]*)'"
)
_WITH_ESCAPES = (1, 3)
_ESCAPE = re.compile(r"\\(?:u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|[ \t]*\r?\n\s*|.)")


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a text; both count from 1, in characters."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Inside:
    """Offsets of the first and past the last character between a string's quotes."""

    start: int
    end: int
    escapes: bool


@dataclass(frozen=True, slots=True)
class Positions:
    """The places of one document's keys and strings."""

    text: str
    keys: Mapping[Path, int]
    strings: Mapping[Path, Inside]

    def of(self, path: Path) -> Position:
        """Return where a key stands; of one that is missing, where the table stands that should hold it."""
        while path and path not in self.keys:
            path = path[:-1]
        return self._at(self.keys.get(path, 0))

    def within(self, path: Path, line: int, column: int) -> Position:
        """Return where a line and column of a string's value, both from 1, stand in the text."""
        string = self.strings.get(path)
        if string is None:
            return self.of(path)
        offset, reached = string.start, Position(1, 1)
        while offset < string.end and reached < Position(line, column):
            found = _ESCAPE.match(self.text, offset) if string.escapes else None
            written = found[0] if found else self.text[offset]
            offset += len(written)
            if written in ("\n", r"\n"):
                reached = Position(reached.line + 1, 1)
            elif "\n" not in written:
                reached = Position(reached.line, reached.column + 1)
        return self._at(offset)

    def _at(self, offset: int) -> Position:
        line_start = self.text.rfind("\n", 0, offset) + 1
        return Position(self.text.count("\n", 0, offset) + 1, offset - line_start + 1)


def locate(text: str) -> Positions:
    """Return the positions in a text that tomllib accepts."""
    scanner = _Scanner(text)
    scanner.document()
    return Positions(text, scanner.keys, scanner.strings)


@dataclass(slots=True)
class _Scanner:
    """Walks over valid TOML; it need not refuse what tomllib has refused."""

    text: str
    offset: int = 0
    keys: dict[Path, int] = field(default_factory=dict)
    strings: dict[Path, Inside] = field(default_factory=dict)
    tables: dict[Path, int] = field(default_factory=dict)
    """How many tables each array of tables has so far."""

    def document(self) -> None:
        table: Path = ()
        self.take(_BLANK)
        while self.offset < len(self.text):
            if self.next_is("["):
                table = self.header()
            else:
                self.pair(table)
            self.take(_BLANK)

    def next_is(self, mark: str) -> bool:
        return self.text.startswith(mark, self.offset)

    def take(self, pattern: re.Pattern[str]) -> re.Match[str]:
        found = pattern.match(self.text, self.offset)
        if found is None:
            raise ValueError(f"not TOML at offset {self.offset}")
        self.offset = found.end()
        return found

    def header(self) -> Path:
        start, brackets = self.offset, 2 if self.next_is("[[") else 1
        self.offset += brackets
        *parents, last = self.key()
        self.offset += brackets
        path: Path = ()
        for part in parents:
            path += (part,)
            if path in self.tables:
                path += (self.tables[path] - 1,)
        path += (last,)
        self.keys.setdefault(path, start)
        if brackets == 2:
            index = self.tables.get(path, 0)
            self.tables[path] = index + 1
            path += (index,)
            self.keys[path] = start
        return path

    def pair(self, table: Path) -> None:
        start, path = self.offset, table
        for part in self.key():
            path += (part,)
            self.keys.setdefault(path, start)
        self.offset += 1
        self.value(path)

    def key(self) -> list[str]:
        """Take a dotted key and the blanks around it."""
        parts: list[str] = []
        while not parts or self.next_is("."):
            self.offset += bool(parts)
            self.take(_BLANK)
            if self.next_is('"') or self.next_is("'"):
                found = self.take(_STRING)
                parts.append(found[found.lastindex or 0])
            else:
                parts.append(self.take(_BARE_KEY)[0])
            self.take(_BLANK)
        return parts

    def value(self, path: Path) -> None:
        self.take(_BLANK)
        if self.next_is("{"):
            self.enclosed("}", lambda _: self.pair(path))
        elif self.next_is("["):
            self.enclosed("]", lambda index: self.item((*path, index)))
        elif self.next_is('"') or self.next_is("'"):
            found = self.take(_STRING)
            group = found.lastindex or 0
            self.strings[path] = Inside(*found.span(group), escapes=group in _WITH_ESCAPES)
        else:
            self.take(_SCALAR)

    def item(self, path: Path) -> None:
        self.keys[path] = self.offset
        self.value(path)

    def enclosed(self, closing: str, element: Callable[[int], None]) -> None:
        """Take what stands between brackets, element by element."""
        self.offset += 1
        self.take(_BLANK)
        index = 0
        while not self.next_is(closing):
            element(index)
            index += 1
            self.take(_BLANK)
            self.offset += self.next_is(",")
            self.take(_BLANK)
        self.offset += 1
