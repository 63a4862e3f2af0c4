"""Windows as a fixture tells it: the registry, CIM and the calls of the Windows API, in the words of TOML."""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import NoneType, UnionType
from typing import Any, cast, get_args, get_origin, get_type_hints

from prerequis_agent.errors import NotPermitted, Unsupported
from prerequis_agent.windows.api import CimValue, RegistryValue, Win32


class FixtureWindows:
    """Implements `api.Windows` from the tables `registry`, `cim`, `win32` and the list `refused` of a story.

    A key of the registry implies the keys above it; a refused one refuses what is below it. A class that the story
    does not give is absent from this Windows, and so is a call.
    """

    def __init__(self, story: Mapping[str, Any]) -> None:
        self.asked_keys: set[str] = set()
        self.asked_classes: set[str] = set()
        self.asked_calls: set[str] = set()
        self._refused = [str(each).lower() for each in story.get("refused", [])]
        self._classes = {name.lower(): rows for name, rows in story.get("cim", {}).items()}
        self._keys: dict[str, tuple[str, dict[str, RegistryValue]]] = {}
        for key, values in story.get("registry", {}).items():
            parts = key.split("\\")
            for depth in range(1, len(parts) + 1):
                above = "\\".join(parts[:depth])
                self._keys.setdefault(above.lower(), (above, {}))
            self._keys[key.lower()] = (key, {name: _registry_value(value) for name, value in values.items()})
        self.win32 = cast(Win32, _Calls(story.get("win32", {}), self._refused, self.asked_calls))

    def registry_value(self, key: str, name: str, *, view32: bool) -> RegistryValue | None:
        values = self.registry_values(key, view32=view32) or {}
        return next((value for other, value in values.items() if other.lower() == name.lower()), None)

    def registry_values(self, key: str, *, view32: bool) -> Mapping[str, RegistryValue] | None:
        found = self._keys.get(self._ask(key, view32))
        return None if found is None else found[1]

    def registry_keys(self, key: str, *, view32: bool) -> list[str] | None:
        asked = self._ask(key, view32)
        if asked not in self._keys:
            return None
        below = [path for folded, (path, _) in self._keys.items() if folded.rpartition("\\")[0] == asked]
        return [path.rpartition("\\")[2] for path in below]

    def cim(
        self, namespace: str, class_name: str, properties: tuple[str, ...], where: Mapping[str, str | int | bool]
    ) -> list[Mapping[str, CimValue]]:
        asked = f"{namespace}:{class_name}"
        assert properties, "a probe names the properties that it reads"
        self.asked_classes.add(asked)
        if asked.lower() in self._refused:
            raise NotPermitted(f"Le compte de l'agent n'a pas le droit d'interroger {asked}.")
        if asked.lower() not in self._classes:
            raise Unsupported(f"Ce Windows n'a pas {asked}.")
        rows = [row for row in self._classes[asked.lower()] if all(row.get(name) == v for name, v in where.items())]
        return [{name: row.get(name) for name in properties} for row in rows]

    def _ask(self, key: str, view32: bool) -> str:
        self.asked_keys.add(key)
        folded = key.lower()
        if any(folded == refused or folded.startswith(refused + "\\") for refused in self._refused):
            raise NotPermitted(f"Le compte de l'agent n'a pas le droit de lire {key}.")
        software = "hklm\\software\\"
        if view32 and folded.startswith(software):
            return software + "wow6432node\\" + folded.removeprefix(software)
        return folded


class _Calls:
    """Answers every call of `Win32`: `service = {SCardSvr = {…}}` for one with an argument, else the answer itself."""

    def __init__(self, answers: Mapping[str, Any], refused: list[str], asked: set[str]) -> None:
        unknown = [name for name in answers if not hasattr(Win32, name)]
        assert unknown == [], f"no such call: {unknown}"
        self._answers, self._refused, self._asked = answers, refused, asked

    def __getattr__(self, name: str) -> Callable[..., object]:
        kind = get_type_hints(getattr(Win32, name))["return"]

        def call(*arguments: str) -> object:
            self._asked.add(name)
            if f"win32:{name}".lower() in self._refused:
                raise NotPermitted(f"Le compte de l'agent n'a pas le droit de demander {name} à Windows.")
            if name not in self._answers:
                raise Unsupported(f"Ce Windows ne répond pas à {name}.")
            answer = self._answers[name]
            for argument in arguments:
                answer = {key.lower(): value for key, value in answer.items()}.get(argument.lower())
                if answer is None and NoneType not in get_args(kind):
                    raise Unsupported(f"Ce Windows ne répond pas à {name} pour {argument}.")
            return _typed(answer, kind)

        return call


def _typed(answer: Any, kind: Any) -> object:
    if isinstance(kind, UnionType):
        # What TOML cannot write, an empty table or no entry, is None.
        return None if answer in (None, {}) else _typed(answer, get_args(kind)[0])
    if get_origin(kind) is list:
        return [_typed(each, get_args(kind)[0]) for each in answer]
    if isinstance(answer, Mapping) and get_origin(kind) is not dict:
        return kind(**answer)
    assert isinstance(answer, str | int | datetime | Mapping), answer
    return answer


def _registry_value(value: Any) -> RegistryValue:
    if isinstance(value, Mapping):
        return bytes.fromhex(value["hex"])
    assert isinstance(value, int | str | list) and not isinstance(value, bool), value
    return value
