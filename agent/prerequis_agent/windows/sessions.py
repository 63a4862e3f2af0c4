"""The sessions of Windows, by ctypes: 0 is that of the services, another that of the screen."""

import sys

assert sys.platform == "win32"  # noqa: S101 – lets mypy follow `--platform`

import ctypes
import os
from ctypes import wintypes

from prerequis_agent.windows.failures import failure

_NONE = 0xFFFFFFFF


def at_the_screen() -> int | None:
    """Return the session that the screen shows, or None."""
    session = ctypes.WinDLL("kernel32").WTSGetActiveConsoleSessionId() & 0xFFFFFFFF
    return None if session == _NONE else session


def own() -> int:
    """Return the session of this process."""
    kernel, session = ctypes.WinDLL("kernel32", use_last_error=True), wintypes.DWORD()
    if not kernel.ProcessIdToSessionId(os.getpid(), ctypes.byref(session)):
        raise failure(ctypes.get_last_error(), "la session de l'agent")
    return session.value
