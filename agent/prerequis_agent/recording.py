"""A host that remembers what this machine answered, to be told again as a fixture host of the tests."""

import base64
import dataclasses
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar, cast

from prerequis_agent.clock import Clock
from prerequis_agent.errors import NotPermitted
from prerequis_agent.host import CommandResult, Host, Volume
from prerequis_agent.windows.api import CimValue, RegistryValue, Win32

T = TypeVar("T")
Story = dict[str, Any]
"""The tables of a fixture host, as tests/fixtures/hosts/README.md describes them."""


class RecordingHost(Host):
    """The live machine; files, programs, registry, CIM and calls of Windows that probes ask are kept.

    PC/SC, psutil and the network are not: a fixture host has none of them.
    """

    def __init__(self) -> None:
        super().__init__()
        self._files: dict[str, bytes] = {}
        self._folders: set[str] = set()
        self._links: dict[str, str] = {}
        self._modified: dict[str, datetime] = {}
        self._programs: dict[str, CommandResult] = {}
        self._registry: dict[str, dict[str, Any]] = {}
        self._cim: dict[str, list[dict[str, Any]]] = {}
        self._calls: dict[str, Any] = {}
        self._refusals: set[str] = set()
        self._volume: Volume | None = None
        self._clock: Clock | None = None

    def story(self) -> Story:
        """Return what was asked and answered so far."""
        texts, bytes_ = {}, {}
        for path, content in self._files.items():
            try:
                texts[self._place(path)] = content.decode()
            except UnicodeDecodeError:
                bytes_[self._place(path)] = base64.b64encode(content).decode()
        story: Story = {"platform": self.platform, "refused": sorted(self._refusals)}
        story |= {"directories": sorted({self._place(path) for path in self._folders})}
        story |= {"files": _without(self._links, texts), "base64": _without(self._links, bytes_), "links": self._links}
        story |= {"modified": {self._place(path): moment for path, moment in self._modified.items()}}
        story |= {"answers": {line: dataclasses.asdict(result) for line, result in self._programs.items()}}
        story |= {"registry": self._registry, "cim": self._cim, "win32": self._calls}
        if self._volume:
            story["volume"] = dataclasses.asdict(self._volume)
        if self._clock:
            story["clock"] = dataclasses.asdict(self._clock)
        return {name: content for name, content in story.items() if content or name == "platform"}

    def _place(self, path: str) -> str:
        """Return where the links that were asked for lead a path; a folder that is a link is where it leads."""
        for link, target in self._links.items():
            if path.startswith(f"{link}/") or (path == link and path in self._folders):
                return os.path.normpath(f"{link}/../{target}{path.removeprefix(link)}")
        return path

    def read_bytes(self, path: str) -> bytes | None:
        content = self._noting(path, lambda: super(RecordingHost, self).read_bytes(path))
        if content is not None:
            self._files[path] = content
        return content

    def read_pieces(self, path: str) -> Iterator[bytes]:
        # Megabytes that every machine of the same system has; told again, the list is as empty as it is now.
        self._noting(path, lambda: super(RecordingHost, self).exists(path))
        return iter(())

    def exists(self, path: str) -> bool:
        there = self._noting(path, lambda: super(RecordingHost, self).exists(path))
        if there:
            self._note_entry(path)
        return there

    def list_dir(self, path: str) -> list[str]:
        names = self._noting(path, lambda: super(RecordingHost, self).list_dir(path))
        for name in names:
            self._note_entry(f"{path.rstrip('/')}/{name}" if "\\" not in path else f"{path}\\{name}")
        return names

    def read_link(self, path: str) -> str | None:
        target = self._noting(path, lambda: super(RecordingHost, self).read_link(path))
        if target is not None:
            self._links[path] = target
        return target

    def modified_at(self, path: str) -> datetime | None:
        moment = self._noting(path, lambda: super(RecordingHost, self).modified_at(path))
        if moment is not None:
            self._note_entry(path)
            self._modified[path] = moment
        return moment

    def volume(self, path: str) -> Volume:
        self._volume = super().volume(path)
        return self._volume

    def run_in_pieces(self, *argv: str) -> Iterator[bytes]:
        super().run_in_pieces(*argv)
        self._programs[" ".join(argv)] = CommandResult(0, "", "")
        return iter(())

    def clock(self) -> Clock:
        self._clock = super().clock()
        return self._clock

    def run(self, *argv: str, timeout: float = 5.0, may_be_silent: bool = False) -> CommandResult:
        result = super().run(*argv, timeout=timeout, may_be_silent=may_be_silent)
        self._programs[" ".join(argv)] = result
        return result

    def registry_value(self, key: str, name: str, *, view32: bool = False) -> RegistryValue | None:
        value = self._noting(key, lambda: super(RecordingHost, self).registry_value(key, name, view32=view32))
        if value is not None:
            self._note_key(key, view32)[name] = _told(value)
        return value

    def registry_values(self, key: str, *, view32: bool = False) -> Mapping[str, RegistryValue] | None:
        values = self._noting(key, lambda: super(RecordingHost, self).registry_values(key, view32=view32))
        if values is not None:
            self._note_key(key, view32).update({name: _told(value) for name, value in values.items()})
        return values

    def registry_keys(self, key: str, *, view32: bool = False) -> list[str] | None:
        names = self._noting(key, lambda: super(RecordingHost, self).registry_keys(key, view32=view32))
        if names is not None:
            self._note_key(key, view32)
            for name in names:
                self._note_key(f"{key}\\{name}", view32)
        return names

    def cim(
        self, namespace: str, class_name: str, *properties: str, where: Mapping[str, str | int | bool] | None = None
    ) -> list[Mapping[str, CimValue]]:
        name = f"{namespace}:{class_name}"
        rows = self._noting(
            name, lambda: super(RecordingHost, self).cim(namespace, class_name, *properties, where=where)
        )
        told = [{key: value for key, value in {**(where or {}), **row}.items() if value is not None} for row in rows]
        before = self._cim.setdefault(name, [])
        if where is None and len(before) == len(told):
            # The same objects, asked for other properties.
            for kept, row in zip(before, told, strict=True):
                kept |= row
        else:
            before += told
        return rows

    def win32(self) -> Win32:
        return cast(Win32, _RecordingCalls(super().win32(), self._calls, self._refusals))

    def _noting(self, source: str, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except NotPermitted:
            self._refusals.add(source)
            raise

    def _note_entry(self, path: str) -> None:
        try:
            is_folder = stat.S_ISDIR(self.path(path).stat().st_mode)
        except OSError:  # a link that leads nowhere, or an entry that has gone
            is_folder = False
        if is_folder:
            self._folders.add(path)
        else:
            self._files.setdefault(path, b"")

    def _note_key(self, key: str, view32: bool) -> dict[str, Any]:
        software = "HKLM\\SOFTWARE\\"
        if view32 and key.upper().startswith(software):
            key = f"{software}WOW6432Node\\{key[len(software) :]}"
        return self._registry.setdefault(key, {})


def _without(links: Mapping[str, str], files: dict[str, str]) -> dict[str, str]:
    return {path: content for path, content in files.items() if path not in links}


class _RecordingCalls:
    """Keeps what each call of `Win32` answers; one that answers None is kept as an empty table."""

    def __init__(self, calls: Win32, answers: dict[str, Any], refusals: set[str]) -> None:
        self._calls, self._answers, self._refusals = calls, answers, refusals

    def __getattr__(self, name: str) -> Callable[..., object]:
        def call(*arguments: str) -> object:
            try:
                answer = getattr(self._calls, name)(*arguments)
            except NotPermitted:
                self._refusals.add(f"win32:{name}")
                raise
            if arguments:
                self._answers.setdefault(name, {})[arguments[0]] = _plain(answer)
            else:
                self._answers[name] = _plain(answer)
            return answer

        return call


def _told(value: RegistryValue) -> Any:
    return {"hex": value.hex()} if isinstance(value, bytes) else value


def _plain(answer: Any) -> Any:
    if answer is None:
        return {}
    if isinstance(answer, list):
        return [_plain(each) for each in answer]
    if dataclasses.is_dataclass(answer) and not isinstance(answer, type):
        return {name: value for name, value in dataclasses.asdict(answer).items() if value is not None}
    return answer
