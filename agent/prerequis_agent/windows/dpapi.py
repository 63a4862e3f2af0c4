"""Secrets that only this machine opens again: DPAPI with the machine's own keys, by ctypes.

The machine's keys and not the account's: whoever enrols is an administrator, what runs every day is the SYSTEM account.
"""

import sys

assert sys.platform == "win32"  # noqa: S101 – lets mypy follow `--platform`

import ctypes
from ctypes import wintypes

# dpapi.h: nobody is there to be asked; the keys are the machine's.
_UI_FORBIDDEN, _LOCAL_MACHINE = 0x1, 0x4


class _Blob(ctypes.Structure):
    """DATA_BLOB."""

    _fields_ = (("size", wintypes.DWORD), ("data", ctypes.c_void_p))


def protect(secret: bytes) -> bytes:
    """Return the secret as CryptProtectData encrypts it; raises OSError."""
    return _through("CryptProtectData", secret, _UI_FORBIDDEN | _LOCAL_MACHINE)


def unprotect(sealed: bytes) -> bytes:
    """Return the secret that `protect` was given; raises OSError, on any other machine above all."""
    return _through("CryptUnprotectData", sealed, _UI_FORBIDDEN)


def _through(function: str, content: bytes, flags: int) -> bytes:
    buffer = ctypes.create_string_buffer(content, len(content))
    given, made = _Blob(len(content), ctypes.addressof(buffer)), _Blob()
    call = getattr(ctypes.WinDLL("crypt32", use_last_error=True), function)
    if not call(ctypes.byref(given), None, None, None, None, wintypes.DWORD(flags), ctypes.byref(made)):
        raise ctypes.WinError(ctypes.get_last_error())
    try:
        return ctypes.string_at(made.data or 0, made.size)
    finally:
        ctypes.WinDLL("kernel32").LocalFree(ctypes.c_void_p(made.data))
