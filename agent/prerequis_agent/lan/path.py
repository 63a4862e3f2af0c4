"""The path towards the collector, by connections that any account may open: its machines, and its largest packet.

Connections of growing reach (TTL) are tried until one arrives: no answer of a router is needed, which raw sockets alone
could read, and none is kept.
"""

import contextlib
import errno
import select
import socket
import struct
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

_FARTHEST = 32
_AT_ONCE = 4
"""Connections that are opened side by side: a few too many reach the collector, which closes them."""

_STEP_SECONDS = 1.0
_GRACE_SECONDS = 0.05
"""Where one of them arrives, how long a shorter one may still take to."""

# IP_MTU of linux/in.h and of ws2ipdef.h; Python has no name for either.
_IP_MTU = 73 if sys.platform == "win32" else 14
# TCPI_OPT_TIMESTAMPS of linux/tcp.h; what timestamps take of each segment (RFC 7323).
_TIMESTAMPS, _TIMESTAMPS_BYTES = 1, 12
_HEADERS = {socket.AF_INET: 40, socket.AF_INET6: 60}
# Only routed, never sent to: an address of the documentation (RFC 5737).
_ANYWHERE = ("192.0.2.1", 9)


@dataclass(frozen=True, slots=True)
class Way:
    """What is known of the way out of this machine."""

    local_address: str
    """The address by which it leaves; it tells which interface carries it."""
    mtu: int | None = None
    """Largest IP packet in bytes, as the far end asked for and the kernel learnt; a filter that swallows the notice
    of a packet too large (RFC 2923) is not looked for."""
    hops: int | None = None
    """Machines on the way, the far end included."""


def path_to(addresses: Sequence[str], port: int, timeout: float) -> Way:
    """Return the path to the first of these addresses that answers; raises OSError when none does.

    Without an address, only by which of its own this machine would leave.
    """
    if not addresses:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nowhere:
            nowhere.connect(_ANYWHERE)
            return Way(str(nowhere.getsockname()[0]))
    limit = time.monotonic() + timeout
    failure: OSError = TimeoutError()
    for address in addresses:
        try:
            with socket.create_connection((address, port), max(0.1, limit - time.monotonic())) as connection:
                local, mtu = str(connection.getsockname()[0]), mtu_of(connection)
        except OSError as problem:
            failure = problem
        else:
            return Way(local, mtu, hops_to(address, port, limit - time.monotonic()))
    raise failure


def mtu_of(connection: socket.socket) -> int | None:
    """Return the largest IP packet that an open connection sends, in bytes; None where the system does not tell."""
    headers = _HEADERS[connection.family]
    found: list[int] = []
    with contextlib.suppress(OSError):
        if sys.platform == "linux":
            # options, then the size of the segments that it sends (struct tcp_info of linux/tcp.h).
            options, segment = struct.unpack_from("=5xB10xI", connection.getsockopt(socket.IPPROTO_TCP, 11, 104))
            found.append(segment + headers + (_TIMESTAMPS_BYTES if options & _TIMESTAMPS else 0))
        elif sys.platform == "darwin":
            found.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG) + headers)
    if sys.platform != "darwin" and connection.family == socket.AF_INET:
        with contextlib.suppress(OSError):
            found.append(connection.getsockopt(socket.IPPROTO_IP, _IP_MTU))
    return min(found, default=None)


def hops_to(address: str, port: int, timeout: float) -> int | None:
    """Return how many machines the way to an address has, itself included; None when that cannot be told in time."""
    limit = time.monotonic() + timeout
    for first in range(1, _FARTHEST + 1, _AT_ONCE):
        if time.monotonic() >= limit:
            return None
        with contextlib.ExitStack() as opened:
            trials = {
                opened.enter_context(_trial(address, port, hops)): hops for hops in range(first, first + _AT_ONCE)
            }
            reached = _arrived(trials, min(_STEP_SECONDS, limit - time.monotonic()))
        if reached:
            return min(reached)
    return None


def _trial(address: str, port: int, hops: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    trial = socket.socket(family, socket.SOCK_STREAM)
    try:
        if family == socket.AF_INET6:
            trial.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, hops)
        else:
            trial.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, hops)
        trial.setblocking(False)
        # It goes on by itself; what it says at once is said again when it is looked at.
        trial.connect_ex((address, port))
    except BaseException:
        trial.close()
        raise
    return trial


def _arrived(trials: dict[socket.socket, int], patience: float) -> list[int]:
    """Return the reaches of the connections that arrived."""
    limit, waiting, reached = time.monotonic() + patience, set(trials), list[int]()
    while waiting and (left := limit - time.monotonic()) > 0:
        _, ended, failed = select.select([], list(waiting), list(waiting), left)
        for trial in {*ended, *failed}:
            waiting.discard(trial)
            if trial.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) in (0, errno.EISCONN) and trial in ended:
                reached.append(trials[trial])
                limit = min(limit, time.monotonic() + _GRACE_SECONDS)
    return reached
