"""Sends no faster than agreed: both ends of a measurement pace what they send, on every operating system.

The kernel, where it can, spreads the packets of a socket evenly (SO_MAX_PACING_RATE of Linux, since 4.13 without any
queueing discipline); the pacer keeps the exact rate of application bytes, which the kernel does not know.
"""

import contextlib
import socket
import sys
import time
from collections.abc import Callable

LONGEST_CREDIT_SECONDS = 0.1
"""What a late timer may catch up at once; more would be a burst that fills the queue of a slow line."""

_HEADROOM = 1.15
"""The kernel's rate counts headers and retransmissions too."""

_SO_MAX_PACING_RATE = 47 if sys.platform == "linux" else None
_MOST_BYTES_PER_SECOND = 2**31 - 1


class Pacer:
    """Lets bytes go at a rate in bits per second, by a virtual clock; None lets all go at once."""

    def __init__(
        self,
        bits_per_second: float | None,
        clock: Callable[[], float] = time.perf_counter,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate = bits_per_second
        self._clock = clock
        self._sleep = sleep
        self._due = clock()

    def wait(self, count: int) -> None:
        """Sleep until so many more bytes may go."""
        if not self._rate:
            return
        now = self._clock()
        self._due = max(self._due, now - LONGEST_CREDIT_SECONDS)
        if self._due > now:
            self._sleep(self._due - now)
        self._due += 8 * count / self._rate


def spread(connection: socket.socket, bits_per_second: float | None) -> None:
    """Ask the kernel to space the packets of a connection; where it cannot, the pacer alone does."""
    if bits_per_second and _SO_MAX_PACING_RATE is not None:
        rate = min(_MOST_BYTES_PER_SECOND, round(bits_per_second * _HEADROOM / 8))
        with contextlib.suppress(OSError):  # an old kernel
            connection.setsockopt(socket.SOL_SOCKET, _SO_MAX_PACING_RATE, rate)
