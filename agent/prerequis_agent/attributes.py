"""Reads the many small files and registry values that describe a machine, and remembers what it could not read."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from google.protobuf.message import Message

from prerequis_agent.errors import NotPermitted, ParseError, ProbeError, Unreadable, Unsupported
from prerequis_agent.host import Host
from prerequis_agent.windows.api import RegistryValue

T = TypeVar("T")

# Sizes in sectors still fit 64 bits once they are bytes.
_LARGEST = 10**15
# The parts of a path that name a person or a network; the detail shows * instead.
_PERSONAL = re.compile(
    r"(?<=HKU\\)S-1-[-0-9]+|(?<=\\Users\\)[^\\]+|(?<=/Users/)[^/]+|(?<=^/home/)[^/]+"
    r"|(?<=/system-connections/)[^/]+|(?<=^/etc/wireguard/)[^/]+|(?<=^/etc/openvpn/).+"
)
# A person's SID, local or of a domain, then of Entra ID; services have others.
_PERSON = re.compile(r"S-1-(?:5-21|12-1)-[-0-9]+")


def fill(facts: Message, **values: bool | float | str | None) -> None:
    """Set the fields whose value is known, and leave the others unset."""
    for field, value in values.items():
        if value is not None:
            setattr(facts, field, value)


class Attributes:
    """What a host says, one answer at a time; None is what is absent, empty, refused, or has no value at the moment."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._refused: list[str] = []
        self._problems: list[str] = []

    def text(self, path: str) -> str | None:
        """Return the content of a file without the white space around it."""
        return self._text(path, self._host.read_text)

    def shared_text(self, path: str) -> str | None:
        """Return the same of a file that several probes read, as the first of them saw it."""
        return self._text(path, self._host.read_shared)

    def content(self, path: str) -> bytes | None:
        """Return the content of a file that is no text."""
        return self._asked(path, self._host.read_bytes) or None

    def _text(self, path: str, read: Callable[[str], str | None]) -> str | None:
        return (self._asked(path, read) or "").strip() or None

    def _asked(self, path: str, read: Callable[[str], T]) -> T | None:
        try:
            return read(path)
        except NotPermitted:
            self._refused.append(path)
            return None
        except Unreadable:
            # The kernel answers EINVAL to a question that makes no sense now, such as the rate of an unplugged link.
            return None

    def number(self, path: str, base: int = 10) -> int | None:
        """Return the number that a file holds."""
        try:
            value = int(self.text(path) or "", base)
        except ValueError:
            return None
        return value if abs(value) <= _LARGEST else None

    def names(self, path: str) -> list[str] | None:
        """Return the sorted names in a directory, or None when there is no such directory to look into."""
        try:
            return self._host.list_dir(path) if self._host.exists(path) else None
        except NotPermitted:
            self._refused.append(path)
            return None
        except Unreadable:
            return None

    # The registry. `absent` is what Windows documents for a value that is not there; a refusal stays None.

    def dword(self, key: str, name: str, absent: int | None = None) -> int | None:
        """Return a number of the registry."""
        value = self._registry(key, name, absent)
        return value if isinstance(value, int) else None

    def first_dword(self, keys: Iterable[str], name: str, absent: int | None = None) -> int | None:
        """Return a number of the first key that has it, None when a key before that is refused."""
        for key in keys:
            refused = len(self._refused)
            value = self.dword(key, name)
            if value is not None or len(self._refused) > refused:
                return value
        return absent

    def string(self, key: str, name: str, absent: str | None = None) -> str | None:
        """Return a text of the registry, not expanded."""
        value = self._registry(key, name, absent)
        return value if isinstance(value, str) else None

    def strings(self, key: str, name: str) -> list[str]:
        """Return the texts of a registry value that holds several, or one; none when it is absent or refused."""
        value = self._registry(key, name, None)
        return [value] if isinstance(value, str) else value if isinstance(value, list) else []

    def _registry(self, key: str, name: str, absent: int | str | None) -> RegistryValue | None:
        try:
            value = self._host.registry_value(key, name)
        except NotPermitted:
            self._refused.append(key)
            return None
        return absent if value is None else value

    def require(self, key: str) -> None:
        """Raise ParseError when a key that every Windows has is absent: no value then has its documented default."""
        try:
            if self._host.registry_keys(key) is None:
                raise ParseError(f"Le registre n'a pas {key} : rien n'est vérifiable.")
        except NotPermitted:
            self._refused.append(key)

    def subkeys(self, key: str) -> list[str] | None:
        """Return the names of the keys below a key, none when it is absent; None when it is refused."""
        try:
            return self._host.registry_keys(key) or []
        except NotPermitted:
            self._refused.append(key)
            return None

    def hives(self) -> list[str]:
        r"""Return the registry root of each person signed on, `HKU\S-1-5-21-…`; the agent's own when none is."""
        return [f"HKU\\{name}" for name in self.subkeys("HKU") or [] if _PERSON.fullmatch(name)] or ["HKCU"]

    @contextmanager
    def part(self) -> Iterator[None]:
        """Let what fails inside be missing from the facts, and told in the detail, without losing the rest."""
        try:
            yield
        except ProbeError as problem:
            self._problems.append(str(problem))

    def note(self, sentence: str) -> None:
        """Add a French sentence to the detail."""
        self._problems.append(sentence)

    @property
    def is_refused(self) -> bool:
        """Whether something was not shown to the agent's account."""
        return bool(self._refused)

    def refusal(self) -> NotPermitted | None:
        """Return the error that tells what was refused, for facts that are worth nothing when a part is missing."""
        if not self._refused:
            return None
        return NotPermitted(f"Le compte de l'agent n'a pas le droit de lire {self._places()}.")

    def absence(self, things: str) -> ProbeError:
        """Return the error that tells why nothing is known of some things, named in French with their article."""
        return self.refusal() or Unsupported(f"Ce système ne montre pas {things}.")

    def detail(self, facts: Message, labels: Mapping[str, str]) -> str:
        """Return in French which of the labelled fields are not known, and what could not be read."""
        unknown = [label for field, label in labels.items() if not facts.HasField(field)]
        told = [f"Non connu : {', '.join(unknown)}."] if unknown else []
        if self._refused:
            right = "en administrateur" if self._host.platform == "win32" else "avec sudo"
            told.append(f"Lecture refusée au compte de l'agent ; relancé {right}, il verrait : {self._places()}.")
        return " ".join([*told, *dict.fromkeys(self._problems)])

    def _places(self) -> str:
        return ", ".join(dict.fromkeys(_PERSONAL.sub("*", place) for place in self._refused))
