"""What reading and type-checking a pack's files gave, kept so that the next start need not do it again.

A cache holds data, never code: the tables of the TOML files and the checked expressions. It is taken only whole, from
a file of one's own that nobody else may write, for the same files and engine; anything else is as if it were not there.
"""

import base64
import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Self

from google.protobuf.descriptor import FileDescriptor

from prerequis.v1.context_pb2 import DESCRIPTOR

_SUFFIX = ".pack"
_KEPT_PACKS = 4
_MOMENT = "$moment"
"""TOML's bare keys have no dollar."""

_KINDS: Mapping[str, type[date | time]] = {kind.__name__: kind for kind in (date, datetime, time)}


@dataclass(slots=True)
class Cache:
    """What was read before, and what is read now; kept in `folder`, or nowhere when that is None."""

    folder: Path | None
    key: str
    documents: dict[str, Mapping[str, object]] = field(default_factory=dict)
    """The content of each file that is sound."""
    expressions: dict[str, bytes] = field(default_factory=dict)
    """Checked CEL, serialised, by what it must give and its text."""
    complete: bool = False
    """Read from the folder: nothing is to be added."""

    @classmethod
    def open(cls, folder: Path | None, digest: str) -> Self:
        """Return what the folder keeps of the pack with this digest; empty where it keeps none to be trusted."""
        if folder is None or (key := _key(digest)) is None:
            return cls(None, "")
        opened = cls(folder, key)
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):  # a damaged file is no file
            opened._fill(_own_content(folder / f"{opened.key}{_SUFFIX}"))
        return opened

    def keep(self) -> None:
        """Write what was read now, and forget the packs not used for longest; a folder that refuses keeps nothing."""
        if self.folder is None or self.complete:
            return
        expressions = {key: base64.b64encode(checked).decode() for key, checked in self.expressions.items()}
        body = json.dumps([self.documents, expressions], default=_tagged, separators=(",", ":")).encode()
        target = self.folder / f"{self.key}{_SUFFIX}"
        unfinished = target.with_suffix(f".{os.getpid()}")
        with suppress(OSError):  # what cannot be kept is read again, which only takes time
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            unfinished.unlink(missing_ok=True)
            with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(f"{hashlib.sha256(body).hexdigest()}\n".encode() + body)
            unfinished.replace(target)
            for old in sorted(self.folder.glob(f"*{_SUFFIX}"), key=lambda one: -one.stat().st_mtime)[_KEPT_PACKS:]:
                old.unlink()

    def _fill(self, content: bytes) -> None:
        digest, _, body = content.partition(b"\n")
        if hashlib.sha256(body).hexdigest().encode() != digest:
            raise ValueError("damaged")
        documents, expressions = json.loads(body, object_hook=_untagged)
        self.expressions = {key: base64.b64decode(checked, validate=True) for key, checked in expressions.items()}
        self.documents = dict(documents)
        self.complete = True


def _key(digest: str) -> str | None:
    """Return what tells one pack under one engine apart: the files, and all that type-checking rests on.

    None where the engine's version is not told: the rooms are on the path, and no package is installed.
    """
    from importlib.metadata import PackageNotFoundError, version  # longer to load than all the rest of this module

    try:
        engine = f"{version('prerequis')} {version('cel-expr-python')}"
    except PackageNotFoundError:
        return None
    key = hashlib.sha256(f"{digest} {engine}\n".encode())
    for name, declared in sorted({one.name: one.serialized_pb for one in _imported(DESCRIPTOR)}.items()):
        key.update(f"{name} {len(declared)}\n".encode() + declared)
    return key.hexdigest()


def _imported(file: FileDescriptor) -> Iterator[FileDescriptor]:
    yield file
    for dependency in file.dependencies:
        yield from _imported(dependency)


def _own_content(path: Path) -> bytes:
    """Return the content of a plain file that this account alone may write; raises OSError, ValueError."""
    with os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise ValueError("no plain file")
        # On Windows the folder's permissions say who may write, and these numbers nothing.
        if os.name == "posix" and (found.st_uid != os.geteuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)):
            raise ValueError("somebody else's file")
        return file.read()


def _tagged(value: object) -> dict[str, list[str]]:
    if isinstance(value, date | time):
        return {_MOMENT: [type(value).__name__, value.isoformat()]}
    raise TypeError(f"TOML has no {type(value).__name__}")


def _untagged(table: dict[str, Any]) -> object:
    if _MOMENT not in table:
        return table
    kind, text = table[_MOMENT]
    return _KINDS[kind].fromisoformat(text)
