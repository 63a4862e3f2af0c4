"""A client, a router and a server in network namespaces of their own, and an emulated line between them.

client -- c0 ==veth== r0 -- router -- r1 ==veth== s0 -- server. What the router receives from one side it sends into a
TUN device, whose other end is the emulator, and gets it back from the other TUN device a line later. TUN devices take
no oversized segments, so that every packet is one of Ethernet's.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, Self

CLIENT, SERVER = "10.99.1.2", "10.99.2.2"
ETHERNET_PAYLOAD, ETHERNET_FRAME = 1448, 1514
"""Application bytes of a full segment with timestamps, and all of it on the wire."""

FLOOD_PAYLOAD, FLOOD_FRAME = 1400, 1442
CALIBRATION_ERROR = 0.005
LATE_SHARE = 0.01
STEAL_SHARE = 0.2
"""Share of the processors' time that the host may keep for itself before a figure says nothing of the line."""

FAST_MEGABITS, WAITING_SHARE = 50, 0.6
"""On a line from this rate on, the share of the time in which some process of the machine waited for a processor: with
more of it, the ends of the line were too late to fill it."""

TRIES = 3
"""How often a line or a run that leaves a doubt is tried before it counts for nothing."""

_HERE = Path(__file__).parent
_ALLOWED = Path("/proc/sys/net/ipv4/tcp_allowed_congestion_control")
_PRESSURE = Path("/proc/pressure/cpu")


class Refused(Exception):
    """This machine does not permit namespaces or TUN devices."""


@dataclass(frozen=True)
class Link:
    """One line, the same both ways."""

    megabits: float
    rtt_ms: float
    loss: float = 0.0
    queue_ms: float = 200.0
    bucket_bytes: int = 0
    seed: int = 1

    @property
    def truth(self) -> float:
        """Application bits per second that a full TCP stream can have."""
        return self.megabits * 1e6 * ETHERNET_PAYLOAD / ETHERNET_FRAME

    def words(self) -> str:
        """Return what the emulator is told."""
        return (
            f"set {self.megabits * 1e6:.0f} {self.rtt_ms * 500:.0f} {self.loss * 1e6:.0f} {self.queue_ms * 1000:.0f} "
            f"{self.bucket_bytes} {self.seed}\n"
        )

    def __str__(self) -> str:
        lossy = f", {self.loss * 100:g} % de pertes" if self.loss else ""
        return f"{self.megabits:g} Mbit/s, {self.rtt_ms:g} ms{lossy}"


def permitted() -> str:
    """Return why namespaces cannot be used here; empty when they can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "il faut être root sous Linux"
    if not Path("/dev/net/tun").exists() or not shutil.which("ip"):
        return "il manque /dev/net/tun ou le programme ip"
    try:
        tried = subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False)
    except OSError as problem:
        return str(problem)
    return "" if tried.returncode == 0 else tried.stderr.decode(errors="replace").strip()


class Rig:
    """The namespaces and the emulator, for the time of a `with`; raises Refused."""

    def __init__(self) -> None:
        self._name = f"pq{os.getpid()}"
        self._emulator: subprocess.Popen[str] | None = None
        self._undo = contextlib.ExitStack()
        self._link = Link(1, 0)
        self._steal = (0, 0)
        self._waited = (0.0, 0.0)

    def __enter__(self) -> Self:
        reason = permitted()
        if reason:
            raise Refused(reason)
        with contextlib.ExitStack() as undo:
            undo.enter_context(_unwound_by_signals())
            self._build(undo)
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def command(self, place: str, *argv: str) -> list[str]:
        """Return what runs a program in the client's, router's or server's namespace."""
        return ["ip", "netns", "exec", self._name + place[0], *argv]

    def run(self, place: str, *argv: str, timeout: float = 120) -> str:
        """Run a program in a namespace to its end and return what it wrote."""
        return subprocess.run(
            self.command(place, *argv), capture_output=True, text=True, check=True, timeout=timeout
        ).stdout

    def spawn(self, place: str, *argv: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start a program in a namespace; it is ended with the rig."""
        process = subprocess.Popen(
            self.command(place, *argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environment or {})},
        )
        self._undo.callback(_end, process)
        return process

    def set(self, link: Link) -> None:
        """Let the line be this one from now on."""
        if self._ask(link.words()) != "ok":
            raise RuntimeError("the emulator did not understand")
        self._link, self._steal, self._waited = link, _stolen(), _waited()

    def doubts(self) -> str:
        """Return why what was measured since the last `set` or `doubts` says nothing of the line; empty: no doubt."""
        counts = json.loads(self._ask("stats\n"))
        before, self._steal = self._steal, _stolen()
        stolen = (self._steal[0] - before[0]) / max(1, self._steal[1] - before[1])
        since, self._waited = self._waited, _waited()
        waited = (self._waited[0] - since[0]) / max(1e-9, self._waited[1] - since[1])
        if counts["late"] > LATE_SHARE * max(1, counts["passed"]):
            return f"{counts['late']} paquets sur {counts['passed']} en retard"
        if self._link.megabits >= FAST_MEGABITS and waited > WAITING_SHARE:
            return f"des programmes attendaient un processeur {waited:.0%} du temps"
        return f"{stolen:.0%} du processeur pris par l'hôte" if stolen > STEAL_SHARE else ""

    def calibrate(self, link: Link) -> float:
        """Return how far a UDP flood is from what the link should let pass, the worse of both ways."""
        wanted = link.megabits * 1e6 * FLOOD_PAYLOAD / FLOOD_FRAME * (1 - link.loss)
        errors = [self._flood(sender, link.megabits * 1.3e6) / wanted - 1 for sender in ("server", "client")]
        self.set(link)
        return max(errors, key=abs)

    def _flood(self, sender: str, rate: float) -> float:
        receiver, address = ("client", CLIENT) if sender == "server" else ("server", SERVER)
        sink = subprocess.Popen(
            self.command(receiver, sys.executable, str(_HERE / "flood.py"), "sink"), stdout=subprocess.PIPE, text=True
        )
        assert sink.stdout is not None
        port = sink.stdout.readline().strip()
        self.run(sender, sys.executable, str(_HERE / "flood.py"), "send", address, port, str(rate))
        rest, _ = sink.communicate(timeout=20)
        return float(rest)

    def _ask(self, words: str) -> str:
        assert self._emulator is not None and self._emulator.stdin is not None and self._emulator.stdout is not None
        self._emulator.stdin.write(words)
        self._emulator.stdin.flush()
        return self._emulator.stdout.readline().strip()

    def _build(self, undo: contextlib.ExitStack) -> None:
        undo.enter_context(_cubic_allowed())
        for place in "crs":
            _ip(f"netns add {self._name}{place}")
            undo.callback(_ip, f"netns del {self._name}{place}")
        pairs = (("c0", CLIENT, "r0", "10.99.1.1"), ("s0", SERVER, "r1", "10.99.2.1"))
        for end, address, router_end, gateway in pairs:
            here, there = f"{self._name}{end[0]}", f"{self._name}r"
            _ip(f"-n {here} link add {end} type veth peer name {router_end} netns {there}")
            for place, name, own in ((here, end, address), (there, router_end, gateway)):
                _ip(f"-n {place} addr add {own}/24 dev {name}")
                _ip(f"-n {place} link set {name} up")
            _ip(f"-n {here} link set lo up")
            _ip(f"-n {here} route add default via {gateway}")
            self.run(end, "sysctl", "-qw", "net.ipv4.tcp_congestion_control=cubic")
            self.run(end, "sysctl", "-qw", "net.ipv4.tcp_no_metrics_save=1")
        self.run("r", "sysctl", "-qw", "net.ipv4.ip_forward=1")
        self._emulator = self._start_emulator(undo)
        for device in ("t0", "t1"):
            _ip(f"-n {self._name}r link set {device} txqueuelen 10000 up")
        for source, table, device in (("r1", 101, "t0"), ("r0", 102, "t1")):
            _ip(f"-n {self._name}r rule add iif {source} lookup {table}")
            _ip(f"-n {self._name}r route add default dev {device} table {table}")
        for name in ("all", "t0", "t1", "r0", "r1"):
            self.run("r", "sysctl", "-qw", f"net.ipv4.conf.{name}.rp_filter=0")

    def _start_emulator(self, undo: contextlib.ExitStack) -> subprocess.Popen[str]:
        compiler = shutil.which("cc")
        program = [sys.executable, str(_HERE / "emulator.py")]
        if compiler:
            folder = Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="prerequis-link-")))
            subprocess.run([compiler, "-O2", "-o", folder / "emulator", _HERE / "emulator.c"], check=True)
            program = [str(folder / "emulator")]
        process = subprocess.Popen(
            self.command("r", *program, "t0", "t1"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        undo.callback(_end, process)
        assert process.stdout is not None
        if not process.stdout.readline():
            raise Refused("l'émulateur de ligne ne démarre pas")
        return process


@contextlib.contextmanager
def _unwound_by_signals() -> Iterator[None]:
    """Let a request to end undo what was changed, as an exception does, where nobody else handles it."""
    # Python has signals handled by the main thread alone.
    asked = (signal.SIGTERM, signal.SIGHUP) if threading.current_thread() is threading.main_thread() else ()
    handled = [number for number in asked if signal.getsignal(number) is signal.SIG_DFL]
    for number in handled:
        signal.signal(number, _leave)
    try:
        yield
    finally:
        for number in handled:
            signal.signal(number, signal.SIG_DFL)


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    # Asked twice, it still puts everything back.
    signal.signal(number, signal.SIG_IGN)
    raise SystemExit(128 + number)


@contextlib.contextmanager
def _cubic_allowed() -> Iterator[None]:
    """Let namespaces choose cubic, and put the machine's own setting back afterwards."""
    before = _ALLOWED.read_text()
    if "cubic" in before.split():
        yield
        return
    _ALLOWED.write_text(f"{before.strip()} cubic")
    try:
        yield
    finally:
        _ALLOWED.write_text(before)


def _stolen() -> tuple[int, int]:
    """Return the ticks that the host kept for itself, and all ticks."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    return ticks[7], sum(ticks[:8])


def _waited() -> tuple[float, float]:
    """Return for how long some process waited for a processor, where the kernel says, and until when; in seconds."""
    if not _PRESSURE.exists():
        return 0.0, time.monotonic()
    total = _PRESSURE.read_text().split("\n", 1)[0].rpartition("total=")[2]
    return int(total) / 1e6, time.monotonic()


def _ip(words: str) -> None:
    done = subprocess.run(["ip", *words.split()], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(f"ip {words} : {done.stderr.strip()}")


def _end(process: subprocess.Popen[str]) -> None:
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def said(process: subprocess.Popen[str], **asked: Any) -> dict[str, Any]:
    """Return the answer of a program that takes and gives lines of JSON."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(json.dumps(asked) + "\n")
    process.stdin.flush()
    started = time.monotonic()
    answer = process.stdout.readline()
    if not answer:
        raise RuntimeError(f"no answer after {time.monotonic() - started:.1f} s")
    told: dict[str, Any] = json.loads(answer)
    return told
