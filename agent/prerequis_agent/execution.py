"""Runs one program to its end; `host.py` alone decides which."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO

from prerequis.os_errors import why
from prerequis_agent.errors import NotPermitted, TimedOut, Unreadable

MOST_BYTES = 8 * 1024 * 1024
"""The longest file or program output that is read."""

_PIECE_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a program ended: its exit status (negative: the signal that killed it) and what it wrote."""

    status: int
    stdout: str
    stderr: str


def execute(program: str, argv: tuple[str, ...], environment: Mapping[str, str], timeout: float) -> CommandResult:
    """Run the program at a path, without a shell, with nothing of the caller's environment, and return how it ended.

    Raises NotPermitted when it may not be started, TimedOut when it was killed after `timeout` seconds with the
    children it left, Unreadable when it wrote more than MOST_BYTES.
    """
    process = _started(program, argv, environment, subprocess.PIPE)
    assert process.stdout and process.stderr  # noqa: S101 – PIPE was asked for
    streams = (process.stdout, process.stderr)
    written: list[bytes] = [b"", b""]
    readers = [
        threading.Thread(target=_drain, args=(stream, written, index, process), daemon=True)
        for index, stream in enumerate(streams)
    ]
    try:
        for reader in readers:
            reader.start()
        status = process.wait(timeout)
    except subprocess.TimeoutExpired:
        raise TimedOut(f"{argv[0]} n'a pas répondu en {timeout:g} s.") from None
    finally:
        _kill(process)
        for reader in readers:
            reader.join(1)
    if any(reader.is_alive() for reader in readers):
        raise TimedOut(f"{argv[0]} a laissé un programme qui retient sa réponse.")
    if any(len(output) > MOST_BYTES for output in written):
        raise Unreadable(f"{argv[0]} répond trop long pour être lu.")
    return CommandResult(status, *(output.decode(errors="replace") for output in written))


def _started(
    program: str, argv: tuple[str, ...], environment: Mapping[str, str], errors: int
) -> subprocess.Popen[bytes]:
    try:
        # Its own session makes it the head of a process group, so that its children die with it.
        return subprocess.Popen(
            [program, *argv[1:]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd="/",
            env=environment,
            start_new_session=True,
        )
    except PermissionError:
        raise NotPermitted(f"Le compte de l'agent n'a pas le droit de lancer {argv[0]}.") from None
    except OSError as problem:
        raise Unreadable(f"{argv[0]} ne démarre pas ({why(problem)}).") from problem


def stream(program: str, argv: tuple[str, ...], environment: Mapping[str, str]) -> Iterator[bytes]:
    """Give what a program writes as it writes it, for what is too long to be held; its end is the end of the probe.

    Raises NotPermitted or Unreadable when it does not start, Unreadable when it does not end well.
    """
    process = _started(program, argv, environment, subprocess.DEVNULL)
    assert process.stdout  # noqa: S101 – PIPE was asked for
    try:
        with process.stdout as output:
            while piece := output.read(_PIECE_BYTES):
                yield piece
        if process.wait():
            raise Unreadable(f"{argv[0]} n'est pas allé au bout.")
    finally:
        _kill(process)


def _drain(stream: IO[bytes], written: list[bytes], index: int, process: subprocess.Popen[bytes]) -> None:
    with stream:
        written[index] = stream.read(MOST_BYTES + 1)
        if len(written[index]) > MOST_BYTES:
            _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the program and every child it left."""
    if sys.platform != "win32":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()
