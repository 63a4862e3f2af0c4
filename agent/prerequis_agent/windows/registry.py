"""The registry of the machine that the agent runs on, by `winreg`, in the view of the machine's own width.

A 32-bit Python would otherwise be shown WOW6432Node in place of what it asks for.
"""

import sys

assert sys.platform == "win32"  # noqa: S101 – lets mypy follow `--platform`

import contextlib
import winreg
from collections.abc import Iterator

from prerequis_agent.errors import NotPermitted, Unreadable
from prerequis_agent.windows.api import RegistryValue

_ROOTS = {"HKLM": winreg.HKEY_LOCAL_MACHINE, "HKCU": winreg.HKEY_CURRENT_USER, "HKU": winreg.HKEY_USERS}
# FILE_NOT_FOUND; KEY_DELETED is a key that goes away while it is read.
_ABSENCES = frozenset({2, 1018})


def value(key: str, name: str, *, view32: bool) -> RegistryValue | None:
    """Return a value, or None when the key or the value is absent."""
    with _asking(key), _open(key, view32) as handle:
        return _plain(winreg.QueryValueEx(handle, name)[0])
    return None


def values(key: str, *, view32: bool) -> dict[str, RegistryValue] | None:
    """Return the values of a key by name, or None when it is absent."""
    with _asking(key), _open(key, view32) as handle:
        _, count, _ = winreg.QueryInfoKey(handle)
        found = [winreg.EnumValue(handle, index) for index in range(count)]
        return {name: plain for name, raw, _ in found if (plain := _plain(raw)) is not None}
    return None


def keys(key: str, *, view32: bool) -> list[str] | None:
    """Return the names of the keys below a key, or None when it is absent."""
    with _asking(key), _open(key, view32) as handle:
        count, _, _ = winreg.QueryInfoKey(handle)
        return [winreg.EnumKey(handle, index) for index in range(count)]
    return None


def _open(key: str, view32: bool) -> winreg.HKEYType:
    root, _, path = key.partition("\\")
    view = winreg.KEY_WOW64_32KEY if view32 else winreg.KEY_WOW64_64KEY
    return winreg.OpenKeyEx(_ROOTS[root], path, 0, winreg.KEY_READ | view)


@contextlib.contextmanager
def _asking(key: str) -> Iterator[None]:
    try:
        yield
    except PermissionError:
        raise NotPermitted(f"Le compte de l'agent n'a pas le droit de lire {key}.") from None
    except OSError as problem:
        if problem.winerror not in _ABSENCES:
            raise Unreadable(f"{key} ne se laisse pas lire (erreur Windows {problem.winerror}).") from problem


def _plain(raw: object) -> RegistryValue | None:
    match raw:
        case int() | str() | bytes():
            return raw
        case list():
            return [str(each) for each in raw]
        case _:
            # winreg gives None for an empty binary value.
            return b"" if raw is None else None
