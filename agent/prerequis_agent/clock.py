"""Asks the Linux kernel whether its clock is kept right (adjtimex(2)); anyone may, and nothing is set."""

import ctypes
import errno
import os
import struct
from dataclasses import dataclass

from prerequis.os_errors import why
from prerequis_agent.errors import NotPermitted, Unsupported

# struct timex: modes, offset, freq, maxerror, esterror, status; more follows.
_TIMEX = struct.Struct("@illlli")
_TIMEX_BYTES = 256
# The bound grows by 500 ppm from the last correction and stops here, where the kernel gives the clock up for wrong.
_GIVEN_UP_MICROSECONDS = 16_000_000


@dataclass(frozen=True, slots=True)
class Clock:
    """How the kernel says that its clock stands."""

    synchronised: bool
    largest_error_seconds: float
    """How far it may be off."""


def kernel_clock() -> Clock:
    """Return how the clock stands; raises NotPermitted where a sandbox forbids to ask, Unsupported without the call."""
    library = ctypes.CDLL(None, use_errno=True)
    # All zero: no mode, so that nothing is changed.
    timex = ctypes.create_string_buffer(_TIMEX_BYTES)
    try:
        state: int = library.adjtimex(timex)
    except AttributeError:
        raise Unsupported("Ce système ne dit pas si son horloge est juste.") from None
    if state < 0:
        refused = ctypes.get_errno() in (errno.EPERM, errno.EACCES)
        raise (NotPermitted if refused else Unsupported)(f"Le noyau ne dit rien de l'horloge ({_why()}).")
    return parse_timex(timex.raw)


def parse_timex(content: bytes) -> Clock:
    """Return what the structure that adjtimex fills in says."""
    _, _, _, largest, _, _ = _TIMEX.unpack_from(content)
    # timedated takes the same bound for "System clock synchronized" (systemd, time-util.c, ntp_synced).
    return Clock(largest < _GIVEN_UP_MICROSECONDS, largest / 1e6)


def _why() -> str:
    number = ctypes.get_errno()
    return why(OSError(number, os.strerror(number)))
