"""The Native Wi-Fi API, by ctypes; the names of networks are read over, never taken."""

import sys

assert sys.platform == "win32"  # noqa: S101 – lets mypy follow `--platform`

import contextlib
import ctypes
import uuid
from collections.abc import Iterator
from ctypes import wintypes
from typing import TypeVar

from prerequis_agent.errors import Unsupported
from prerequis_agent.windows.api import WlanConnection, WlanInterface
from prerequis_agent.windows.failures import failure

Row = TypeVar("Row", bound=ctypes.Structure)

_CLIENT_VERSION = 2
_CURRENT_CONNECTION = 7
_NOT_CONNECTED = 5023  # ERROR_INVALID_STATE

_INTERFACES, _CONNECTION, _PROFILES = "les interfaces Wi-Fi", "la connexion Wi-Fi en cours", "les réseaux Wi-Fi connus"


class _Guid(ctypes.Structure):
    _fields_ = (("bytes", ctypes.c_ubyte * 16),)


class _Interface(ctypes.Structure):
    """WLAN_INTERFACE_INFO."""

    _fields_ = (("guid", _Guid), ("description", wintypes.WCHAR * 256), ("state", ctypes.c_uint))


class _Association(ctypes.Structure):
    """WLAN_ASSOCIATION_ATTRIBUTES."""

    _fields_ = (
        ("ssid_length", wintypes.ULONG),
        ("ssid", ctypes.c_ubyte * 32),
        ("bss_type", ctypes.c_uint),
        ("bssid", ctypes.c_ubyte * 6),
        ("phy_type", ctypes.c_uint),
        ("phy_index", wintypes.ULONG),
        ("signal_quality", wintypes.ULONG),
        ("rx_rate", wintypes.ULONG),
        ("tx_rate", wintypes.ULONG),
    )


class _Connection(ctypes.Structure):
    """WLAN_CONNECTION_ATTRIBUTES."""

    _fields_ = (
        ("state", ctypes.c_uint),
        ("mode", ctypes.c_uint),
        ("profile", wintypes.WCHAR * 256),
        ("association", _Association),
        ("security_enabled", wintypes.BOOL),
        ("one_x_enabled", wintypes.BOOL),
        ("authentication", ctypes.c_uint),
        ("cipher", ctypes.c_uint),
    )


class _Profile(ctypes.Structure):
    """WLAN_PROFILE_INFO."""

    _fields_ = (("name", wintypes.WCHAR * 256), ("flags", wintypes.DWORD))


class _ListHead(ctypes.Structure):
    """What begins WLAN_INTERFACE_INFO_LIST and WLAN_PROFILE_INFO_LIST."""

    _fields_ = (("count", wintypes.DWORD), ("index", wintypes.DWORD))


def interfaces() -> list[WlanInterface]:
    """Return the Wi-Fi interfaces; none where the WLAN service does not run."""
    try:
        with _client() as (api, handle), _memory(api) as found:
            _check(api.WlanEnumInterfaces(handle, None, ctypes.byref(found)), _INTERFACES)
            rows = _rows(found, _Interface)
            return [WlanInterface(str(uuid.UUID(bytes_le=bytes(row.guid.bytes))), row.state) for row in rows]
    except Unsupported:
        return []


def connection(guid: str) -> WlanConnection | None:
    """Return the connection of an interface, or None."""
    with _client() as (api, handle), _memory(api) as found:
        size = wintypes.DWORD()
        status = api.WlanQueryInterface(
            handle, _guid(guid), _CURRENT_CONNECTION, None, ctypes.byref(size), ctypes.byref(found), None
        )
        if status == _NOT_CONNECTED:
            return None
        _check(status, _CONNECTION)
        now = ctypes.cast(found, ctypes.POINTER(_Connection)).contents
        return WlanConnection(
            authentication=now.authentication,
            cipher=now.cipher,
            ieee_802_1x=bool(now.one_x_enabled),
            signal_quality=now.association.signal_quality,
            receive_kilobits_per_second=now.association.rx_rate,
        )


def profiles(guid: str) -> list[str]:
    """Return the XML of the networks that an interface keeps; without WLAN_PROFILE_GET_PLAINTEXT_KEY, ever."""
    with _client() as (api, handle), _memory(api) as found:
        _check(api.WlanGetProfileList(handle, _guid(guid), None, ctypes.byref(found)), _PROFILES)
        return [_xml(api, handle, guid, row.name) for row in _rows(found, _Profile)]


def _xml(api: ctypes.WinDLL, handle: wintypes.HANDLE, guid: str, name: str) -> str:
    with _memory(api) as found:
        _check(
            api.WlanGetProfile(handle, _guid(guid), wintypes.LPCWSTR(name), None, ctypes.byref(found), None, None),
            _PROFILES,
        )
        return ctypes.wstring_at(found.value or 0)


@contextlib.contextmanager
def _client() -> Iterator[tuple[ctypes.WinDLL, wintypes.HANDLE]]:
    try:
        api = ctypes.WinDLL("wlanapi")
    except OSError:  # a server without the Wi-Fi feature
        raise Unsupported("Ce Windows n'a pas le Wi-Fi.") from None
    handle, version = wintypes.HANDLE(), wintypes.DWORD()
    _check(api.WlanOpenHandle(_CLIENT_VERSION, None, ctypes.byref(version), ctypes.byref(handle)), _INTERFACES)
    try:
        yield api, handle
    finally:
        api.WlanCloseHandle(handle, None)


@contextlib.contextmanager
def _memory(api: ctypes.WinDLL) -> Iterator[ctypes.c_void_p]:
    pointer = ctypes.c_void_p()
    try:
        yield pointer
    finally:
        if pointer:
            api.WlanFreeMemory(pointer)


def _rows(found: ctypes.c_void_p, kind: type[Row]) -> list[Row]:
    start = found.value or 0
    count = _ListHead.from_address(start).count
    return list((kind * count).from_address(start + ctypes.sizeof(_ListHead)))


def _guid(guid: str) -> "ctypes._CArgObject":
    return ctypes.byref(_Guid.from_buffer_copy(uuid.UUID(guid).bytes_le))


def _check(status: int, subject: str) -> None:
    if status:
        raise failure(status, subject)
