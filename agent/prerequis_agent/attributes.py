"""Reads the many small files by which a Linux kernel describes a machine, and remembers what it could not read."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from google.protobuf.message import Message

from prerequis_agent.errors import NotPermitted, ProbeError, Unreadable, Unsupported
from prerequis_agent.host import Host

# Sizes in sectors still fit 64 bits once they are bytes.
_LARGEST = 10**15


class Attributes:
    """What a host's files say; None is what is absent, empty, refused, or has no value at the moment."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._refused: list[str] = []
        self._problems: list[str] = []

    def text(self, path: str) -> str | None:
        """Return the content of a file without the white space around it."""
        try:
            content = self._host.read_text(path)
        except NotPermitted:
            self._refused.append(path)
            return None
        except Unreadable:
            # The kernel answers EINVAL to a question that makes no sense now, such as the rate of an unplugged link.
            return None
        return (content or "").strip() or None

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

    @contextmanager
    def part(self) -> Iterator[None]:
        """Let what fails inside be missing from the facts, and told in the detail, without losing the rest."""
        try:
            yield
        except ProbeError as problem:
            self._problems.append(str(problem))

    def absence(self, things: str) -> ProbeError:
        """Return the error that tells why nothing is known of some things, named in French with their article."""
        if self._refused:
            return NotPermitted(f"Le compte de l'agent n'a pas le droit de lire {', '.join(self._refused)}.")
        return Unsupported(f"Ce système ne montre pas {things}.")

    def detail(self, facts: Message, labels: Mapping[str, str]) -> str:
        """Return in French which of the labelled fields are not known, and what could not be read."""
        unknown = [label for field, label in labels.items() if not facts.HasField(field)]
        told = [f"Non connu : {', '.join(unknown)}."] if unknown else []
        if self._refused:
            told.append(f"Lecture refusée au compte de l'agent : {', '.join(dict.fromkeys(self._refused))}.")
        return " ".join([*told, *dict.fromkeys(self._problems)])
