"""What stands at the far end of a line in the agent's tests: a collector's byte port, and what may stand in its way."""

import contextlib
import json
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

TOKEN = bytes(range(16))


@dataclass
class MeasuringServer:
    """The far end; `rate` in bytes per second paces what it sends and what it takes, over all connections."""

    context: ssl.SSLContext
    cap: int = 10_000_000
    rate: float = 0.0
    answer: bytes | None = None
    problem: str = ""
    asked: list[str] = field(default_factory=list)
    _left: dict[str, int] = field(default_factory=dict)
    _due: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def handle(self, connection: socket.socket) -> None:
        with self.context.wrap_socket(connection, server_side=True) as secured:
            request = b""
            while not request.endswith(b"\n") and (byte := secured.recv(1)):
                request += byte
            if not request.endswith(b"\n"):
                return  # whoever came only looked whether the port answers
            version, token, direction, *options = request.decode().split()
            assert (version, token) == ("PREREQUIS/1", TOKEN.hex())
            asked = dict(option.split("=") for option in options)
            self.asked.append(direction)
            if direction == "down":
                self.send(secured, float(asked["rate"]) / 8)
            else:
                assert asked["counts"] == "1"
                self.receive(secured)

    def spend(self, direction: str, wanted: int) -> int:
        """Return how much may move now, after the time that the line takes for it."""
        with self._lock:
            left = self._left.setdefault(direction, self.cap)
            granted = min(wanted, left)
            self._left[direction] = left - granted
            now = time.perf_counter()
            due = max(self._due.get(direction, now), now - 0.05)
            self._due[direction] = due + (granted / self.rate if self.rate else 0.0)
        time.sleep(max(0.0, due - now))
        return granted

    def send(self, secured: ssl.SSLSocket, paced: float) -> None:
        started, moved = time.perf_counter(), 0
        while granted := self.spend("down", 8192):
            secured.sendall(os.urandom(granted))
            moved += granted
            if paced:
                time.sleep(max(0.0, started + moved / paced - time.perf_counter()))
        # Reads the notice of the end, so that closing does not cut what is under way.
        with contextlib.suppress(OSError):
            secured.unwrap()

    def receive(self, secured: ssl.SSLSocket) -> None:
        moved, told = 0, 0.0
        while block := secured.recv(8192):
            moved += self.spend("up", len(block))
            now = time.perf_counter()
            if self.problem:
                secured.sendall(json.dumps({"problem": self.problem}).encode() + b"\n")
                while secured.recv(65536):
                    pass
                return
            if now - told > 0.1:
                told = now
                secured.sendall(self.answer or json.dumps({"at": now, "bytes": moved}).encode() + b"\n")
        secured.sendall(json.dumps({"at": time.perf_counter(), "bytes": moved, "ended": True}).encode() + b"\n")


def buffering_relay(upstream: int, rate: float) -> Callable[[socket.socket], None]:
    """Return what takes all that comes at once, and passes it on at so many bytes per second."""

    def handle(client: socket.socket) -> None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        with socket.create_connection(("127.0.0.1", upstream)) as server:
            back = threading.Thread(target=_copy, args=(server, client), daemon=True)
            back.start()
            waiting = bytearray()
            over = threading.Event()
            out = threading.Thread(target=_drain, args=(waiting, server, rate, over), daemon=True)
            out.start()
            while block := client.recv(1 << 20):
                waiting += block
            over.set()
            out.join(10)
            back.join(10)

    return handle


def _drain(waiting: bytearray, server: socket.socket, rate: float, over: threading.Event) -> None:
    with contextlib.suppress(OSError):
        while waiting or not over.is_set():
            piece = bytes(waiting[:4096])
            del waiting[: len(piece)]
            server.sendall(piece)
            time.sleep(len(piece) / rate if piece else 0.005)
        server.shutdown(socket.SHUT_WR)


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while block := source.recv(65536):
            sink.sendall(block)
