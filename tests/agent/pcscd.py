"""A real PC/SC service with the virtual readers of vpcd, for the tests that need one."""

import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from prerequis_agent.host import Host

# One pcscd at most runs on a machine: these tests stay on one worker and wait for other runs.
needs_pcscd = pytest.mark.xdist_group("pcscd")
_LOCK = Path(tempfile.gettempdir(), "prerequis-tests-pcscd.lock")


@contextmanager
def the_only_pcscd() -> Iterator[None]:
    """The right to start and stop the PC/SC service of this machine."""
    missing = [what for what, there in _what_is_needed().items() if not there]
    if missing:
        pytest.skip(f"a real PC/SC service needs {', '.join(missing)}")
    with _LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if is_answered():
            pytest.skip("this machine runs a PC/SC service of its own")
        yield


def _what_is_needed() -> dict[str, bool]:
    return {
        "root": os.geteuid() == 0,
        "pcscd": shutil.which("pcscd") is not None,
        "vpcd (vsmartcard-vpcd)": Path("/etc/reader.conf.d/vpcd").exists(),
        "pyscard": importlib.util.find_spec("smartcard") is not None,
    }


def is_answered() -> bool:
    """Return whether a PC/SC service answers on this machine."""
    scard = Host().pcsc()
    result, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    if result == scard.SCARD_S_SUCCESS:
        scard.SCardReleaseContext(context)
    return result == scard.SCARD_S_SUCCESS


@contextmanager
def pcscd(*options: str) -> Iterator[subprocess.Popen[bytes]]:
    """A service that runs, until the end of the block or its own."""
    process = subprocess.Popen(["pcscd", "--foreground", "--error", *options], stderr=subprocess.DEVNULL)
    try:
        wait(is_answered)
        yield process
    finally:
        process.terminate()
        process.wait(60)


def wait(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something is so; fails after some seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing happened in time"
        time.sleep(0.05)


_HOLD = """
import sys
from smartcard.scard import *
context = SCardEstablishContext(SCARD_SCOPE_USER)[1]
protocols = SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1
print(SCardConnect(context, "Virtual PCD 00 00", SCARD_SHARE_EXCLUSIVE, protocols)[0], flush=True)
sys.stdin.read()
"""


@contextmanager
def held_by_another_program() -> Iterator[None]:
    """The card of the first virtual reader, taken by a process that lets nobody else use it."""
    holder = subprocess.Popen([sys.executable, "-c", _HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "0\n"
        yield
    finally:
        holder.communicate("")
