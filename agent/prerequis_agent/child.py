"""A child process that can be ended whatever it does, and the pipe by which its messages come.

Linux forks, which costs a few milliseconds and needs nothing that multiprocessing would load; elsewhere a fork is
absent or unsafe and multiprocessing starts a new interpreter.
"""

import contextlib
import gc
import os
import select
import signal
import struct
import sys
import time
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from prerequis_agent import cost

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_LENGTH = struct.Struct("!I")
_PR_SET_PDEATHSIG = 1  # linux/prctl.h

_PATIENCE_SECONDS = 0.2
"""What a child is given to end by itself, as it does after its last message."""

_LEAVING_SECONDS = 10.0
"""The same once it has closed its end of the pipe: it is leaving, which takes a busy machine a while."""

Send = Callable[[bytes], None]
Work = Callable[[Send], None]
"""What a child does; a module-level function or a dataclass of such, so that it can travel to a new interpreter."""


class Child(Protocol):
    """A process at work."""

    def receive(self, timeout: float) -> bytes | None:
        """Return its next message, or None when none came in time; raises EOFError when it has ended."""

    def usage(self) -> cost.Usage:
        """Return what it and its descendants use; nothing for one that has just ended."""

    def end(self) -> str:
        """Kill what is left of it and its descendants, and return in French how it ended."""


def start(work: Work, forking: bool = sys.platform == "linux") -> Child:
    """Return a child that does this work and ends; no thread may run yet when it forks."""
    return _Forked(work) if forking else _Spawned(work)


class _Forked:
    _patience = _PATIENCE_SECONDS

    def __init__(self, work: Work) -> None:
        self._read, write = os.pipe()
        parent = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            # Nothing of the parent may be run here a second time: neither its `finally` nor its buffers.
            try:
                os.close(self._read)
                _settle(parent)
                work(lambda message: _write(write, _LENGTH.pack(len(message)) + message))
            finally:
                os._exit(0)
        os.close(write)
        self._poll = select.poll()
        self._poll.register(self._read, select.POLLIN)

    def receive(self, timeout: float) -> bytes | None:
        if not self._poll.poll(timeout * 1000):
            return None
        return self._exactly(_LENGTH.unpack(self._exactly(_LENGTH.size))[0])

    def _exactly(self, length: int) -> bytes:
        content = b""
        while len(content) < length:
            more = os.read(self._read, length - len(content))
            if not more:
                self._patience = _LEAVING_SECONDS
                raise EOFError
            content += more
        return content

    def usage(self) -> cost.Usage:
        return cost.tree(self._pid)

    def end(self) -> str:
        os.close(self._read)
        ended, status = self._ended()
        if not ended:
            cost.kill_tree(self._pid)
            _, status = os.waitpid(self._pid, 0)
        return _how(os.waitstatus_to_exitcode(status))

    def _ended(self) -> tuple[bool, int]:
        """Return whether it ends by itself, and its wait status."""
        limit = time.monotonic() + self._patience
        while True:
            ended, status = os.waitpid(self._pid, os.WNOHANG)
            if ended or time.monotonic() > limit:
                return bool(ended), status
            time.sleep(0.002)


class _Spawned:
    _patience = _PATIENCE_SECONDS

    def __init__(self, work: Work) -> None:
        import multiprocessing

        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe(duplex=False)
        self._process = context.Process(target=_work, args=(work, theirs, os.getpid()), daemon=True)
        with _without_main():
            self._process.start()
        theirs.close()
        self._tree = _tree(self._process.pid or 0)

    def receive(self, timeout: float) -> bytes | None:
        try:
            return self._connection.recv_bytes() if self._connection.poll(timeout) else None
        except (EOFError, OSError):  # on Windows a broken pipe, where POSIX has an end of file
            self._patience = _LEAVING_SECONDS
            raise EOFError from None

    def usage(self) -> cost.Usage:
        return self._tree.usage()

    def end(self) -> str:
        self._connection.close()
        self._process.join(self._patience)
        if self._process.is_alive() or sys.platform == "win32":
            # A job also ends what an ended process left at work, which psutil would no longer find.
            self._tree.end()
            self._process.join()
        return _how(self._process.exitcode or 0)


@contextlib.contextmanager
def _without_main() -> Iterator[None]:
    """Hide the command from multiprocessing, which would load all of it again in the child before any work."""
    command = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = command


class _Tree(Protocol):
    """A process with its descendants."""

    def usage(self) -> cost.Usage: ...

    def end(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Listed:
    """A process with the descendants that psutil lists."""

    pid: int

    def usage(self) -> cost.Usage:
        return cost.tree(self.pid)

    def end(self) -> None:
        cost.kill_tree(self.pid)


def _tree(pid: int) -> _Tree:
    """Return a hold on a process that was just started, and has started nothing itself."""
    if sys.platform == "win32":
        from prerequis_agent.windows.job import Job

        with contextlib.suppress(OSError):  # the agent itself is in a job that allows no other
            return Job(pid, cost.MOST_MEMORY_BYTES)
    return _Listed(pid)


def _work(work: Work, connection: "Connection", parent: int) -> None:
    # The command does so too: the child ends before reference cycles matter.
    gc.disable()
    _settle(parent)
    work(connection.send_bytes)


def _settle(parent: int) -> None:
    # The terminal interrupts the whole group; the parent alone answers, and ends its child.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        _end_with(parent)


def _end_with(parent: int) -> None:
    """Be killed as soon as the thread that started this process ends, even killed with its process (prctl(2))."""
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it ended before this was asked
        os._exit(1)


def _write(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"code {code}"
