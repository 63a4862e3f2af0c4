"""Reading the pack's TOML files with a closed schema; every fault is kept with its place, none ends the reading."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import TypeGuard, TypeVar

from prerequis_rules.cache import Cache
from prerequis_rules.positions import Path, Position, Positions, locate

Choice = TypeVar("Choice", bound=StrEnum)
Kind = TypeVar("Kind")

_KINDS: Mapping[type, str] = {
    str: "un texte",
    int: "un entier",
    float: "un nombre",
    bool: "true ou false",
    date: "une date",
    dict: "une table",
    list: "une liste",
}
_SYNTAX = re.compile(
    r"(?P<message>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)", re.DOTALL
)


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One fault of a file of the pack."""

    file: str
    position: Position
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.position.line}:{self.position.column}: {self.message}"


class PackError(Exception):
    """The pack is not usable; carries every fault found, one line each in the message."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


@dataclass(slots=True)
class Document:
    """One file of the pack and what is wrong with it."""

    file: str
    """Path inside the pack, with slashes."""
    data: Mapping[str, object]
    text: str
    problems: list[Problem] = field(default_factory=list)
    readable: bool = True
    """False: not TOML, which is the one fault worth telling."""
    _positions: Positions | None = None

    @property
    def stem(self) -> str:
        """File name without its ending."""
        return self.file.rpartition("/")[2].removesuffix(".toml")

    @property
    def root(self) -> "Table":
        """The document's top table."""
        return Table(self, (), self.data)

    @property
    def positions(self) -> Positions:
        """The places of its keys and strings, found when first asked for: a pack without faults asks for none."""
        if self._positions is None:
            self._positions = locate(self.text)
        return self._positions

    def place(self, path: Path) -> "Place":
        """Return where a key stands."""
        return Place(self, path)

    def report(self, path: Path, message: str) -> None:
        """Keep a fault at a key."""
        self._keep(Problem(self.file, self.positions.of(path), message))

    def report_within(self, path: Path, line: int, column: int, message: str) -> None:
        """Keep a fault inside the value of a string."""
        self._keep(Problem(self.file, self.positions.within(path, line, column), message))

    def _keep(self, problem: Problem) -> None:
        if self.readable and problem not in self.problems:
            self.problems.append(problem)


def read_document(file: str, content: bytes, cache: Cache | None = None) -> Document:
    """Return a document; one that is not TOML in UTF-8 is empty and carries that problem."""
    try:
        text = content.decode()
        data = cache.documents.get(file) if cache else None
        if data is None:
            data = tomllib.loads(text)
            if cache:
                cache.documents[file] = data
        return Document(file, data, text)
    except UnicodeDecodeError:
        problem = Problem(file, Position(1, 1), "le fichier n'est pas en UTF-8")
    except tomllib.TOMLDecodeError as error:
        found = _SYNTAX.fullmatch(str(error))
        message = found[1] if found else str(error)
        at_end = Position(text.count("\n") + 1, 1)
        position = Position(int(found[2]), int(found[3])) if found and found[2] else at_end
        problem = Problem(file, position, f"TOML : {message}")
    return Document(file, {}, "", [problem], readable=False)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a key stands; as text, file:line:column."""

    document: Document
    path: Path

    def __str__(self) -> str:
        position = self.document.positions.of(self.path)
        return f"{self.document.file}:{position.line}:{position.column}"


@dataclass(slots=True)
class Table:
    """A table whose every key must be asked for; what is missing or of a wrong type reads as an empty value."""

    document: Document
    path: Path
    data: Mapping[str, object]
    absent: bool = False
    """The key that should hold it is not there, which is told already."""
    _asked: set[str] = field(default_factory=set)

    def report(self, key: str, message: str) -> None:
        """Keep a fault at one of the table's keys."""
        self.document.report((*self.path, key), message)

    def has(self, key: str) -> bool:
        """Return whether the key is there."""
        return key in self.data

    def text(self, key: str) -> str:
        """Return a text that is not empty."""
        value = self._value(key, str, "")
        if value == "" and self.data.get(key) == "":
            self.report(key, f"« {key} » est vide")
        return value

    def optional_text(self, key: str) -> str | None:
        """Return a text, None when the key is not there."""
        return self.text(key) if self._ask(key) else None

    def integer(self, key: str, *, minimum: int = 0) -> int:
        """Return an integer that is not under the minimum."""
        value = self._value(key, int, minimum)
        if value < minimum:
            self.report(key, f"« {key} » doit être au moins {minimum}")
        return value

    def optional_integer(self, key: str) -> int | None:
        """Return an integer that is not negative, None when the key is not there."""
        return self.integer(key) if self._ask(key) else None

    def share(self, key: str) -> float:
        """Return a number from 0 to 1."""
        value = self.data.get(key)
        number = float(self._value(key, int, 0)) if _is(value, int) else self._value(key, float, 0.0)
        if not 0 <= number <= 1:
            self.report(key, f"« {key} » doit être entre 0 et 1")
        return number

    def flag(self, key: str) -> bool:
        """Return true or false; false when the key is not there."""
        return self._value(key, bool, False) if self._ask(key) else False

    def day(self, key: str) -> date:
        """Return a date."""
        return self._value(key, date, date.min)

    def optional_day(self, key: str) -> date | None:
        """Return a date, None when the key is not there."""
        return self.day(key) if self._ask(key) else None

    def choice(self, key: str, choices: type[Choice]) -> Choice:
        """Return a member of an enumeration by its value; the first one when it is wrong."""
        members = {member.value: member for member in choices}
        value = self._value(key, str, "")
        if value not in members and _is(self.data.get(key), str):
            self.report(key, f"« {key} » vaut « {value} » ; choisir parmi {', '.join(members)}")
        return members.get(value, next(iter(choices)))

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts."""
        self._demand(key)
        return tuple(self._items(key, str))

    def optional_texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, an empty one when the key is not there."""
        return tuple(self._items(key, str))

    def integers(self, key: str) -> tuple[int, ...]:
        """Return a list of integers."""
        self._demand(key)
        return tuple(self._items(key, int))

    def table(self, key: str) -> "Table":
        """Return a sub-table."""
        present = self._demand(key)
        table = self.optional_table(key)
        table.absent = not present
        return table

    def optional_table(self, key: str) -> "Table":
        """Return a sub-table, an empty one when the key is not there."""
        self._ask(key)
        value = self.data.get(key, {})
        if not isinstance(value, dict):
            self._wrong(key, dict)
            value = {}
        return Table(self.document, (*self.path, key), value)

    def tables(self, key: str) -> tuple["Table", ...]:
        """Return the tables of an array, none when the key is not there."""
        items = self._items(key, dict)
        return tuple(Table(self.document, (*self.path, key, index), item) for index, item in enumerate(items))

    def close(self) -> None:
        """Report every key that was not asked for."""
        for key in self.data:
            if key not in self._asked:
                self.report(key, f"clé inconnue « {key} »")

    def _ask(self, key: str) -> bool:
        self._asked.add(key)
        return key in self.data

    def _demand(self, key: str) -> bool:
        if self._ask(key):
            return True
        if not self.absent:
            self.report(key, f"il manque « {key} »")
        return False

    def _value(self, key: str, kind: type[Kind], empty: Kind) -> Kind:
        if not self._demand(key):
            return empty
        value = self.data[key]
        if _is(value, kind):
            return value
        self._wrong(key, kind)
        return empty

    def _items(self, key: str, kind: type[Kind]) -> list[Kind]:
        self._ask(key)
        value = self.data.get(key, [])
        if not isinstance(value, list):
            self._wrong(key, list)
            return []
        items = [item for item in value if _is(item, kind)]
        if len(items) < len(value):
            self.report(key, f"« {key} » : chaque élément doit être {_KINDS[kind]}")
        return items

    def _wrong(self, key: str, kind: type) -> None:
        self.report(key, f"« {key} » doit être {_KINDS[kind]}")


def _is(value: object, kind: type[Kind]) -> TypeGuard[Kind]:
    """Return whether a TOML value is of a type; true is no integer and a moment is no date."""
    return type(value) is kind
