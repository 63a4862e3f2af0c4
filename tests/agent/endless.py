"""What never ends by itself while a test looks, and how its end is seen."""

import ctypes
import sys
import time
from pathlib import Path

from prerequis_agent.host import Host
from prerequis_agent.probe import Observation

LONG_BEFORE_IT_WOULD_END = 30
"""Seconds: what hangs here would end by itself in a minute, and a busy machine takes ten to start a process."""


def hang(host: Host) -> Observation:
    time.sleep(60)
    raise AssertionError


def hang_in_native_code(host: Host) -> Observation:
    # PyDLL keeps the interpreter's lock: no other thread of this process runs from now on.
    if sys.platform == "win32":
        ctypes.PyDLL("kernel32").Sleep(60_000)
    else:
        ctypes.PyDLL(None).sleep(60)
    raise AssertionError


def ends(pid: int) -> bool:
    """Return whether a process of Linux comes to its end; nobody may be there to bury an orphan."""
    latest = time.monotonic() + LONG_BEFORE_IT_WOULD_END
    while time.monotonic() < latest:
        try:
            if ") Z " in Path(f"/proc/{pid}/stat").read_text():
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.02)
    return False
