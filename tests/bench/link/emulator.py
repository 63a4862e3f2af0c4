"""The line of emulator.c where there is no C compiler; good to some 20 Mbit/s. The same words, the same answers."""

import contextlib
import fcntl
import json
import os
import random
import select
import struct
import sys
import time
from collections import deque
from dataclasses import dataclass, field

ETHERNET = 14
LATE_SECONDS = 0.005
_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x1, 0x1000


@dataclass
class Settings:
    rate: float = 1e9
    delay: float = 0.0
    loss: float = 0.0
    queue: float = 1.0
    bucket: float = 0.0


@dataclass
class Counts:
    passed: int = 0
    dropped: int = 0
    lost: int = 0
    late: int = 0
    latest_us: int = 0


@dataclass
class Way:
    source: int
    sink: int
    waiting: deque[tuple[float, bytes]] = field(default_factory=deque)
    last: float = 0.0

    def take(self, line: Settings, chance: random.Random, counts: Counts) -> None:
        while True:
            try:
                packet = os.read(self.source, 2048)
            except BlockingIOError:
                return
            now = time.monotonic()
            begins = max(self.last, now - line.bucket)
            if chance.random() < line.loss:
                counts.lost += 1
            elif begins - now > line.queue:
                counts.dropped += 1
            else:
                self.last = begins + (len(packet) + ETHERNET) * 8 / line.rate
                self.waiting.append((max(self.last, now) + line.delay, packet))

    def give(self, counts: Counts) -> float:
        """Pass on what is due and return when the next is."""
        while self.waiting:
            due, packet = self.waiting[0]
            behind = time.monotonic() - due
            if behind < 0:
                return due
            with contextlib.suppress(OSError):
                os.write(self.sink, packet)
            counts.passed += 1
            counts.late += behind > LATE_SECONDS
            counts.latest_us = max(counts.latest_us, round(behind * 1e6))
            self.waiting.popleft()
        return float("inf")


def tun(name: str) -> int:
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI))
    return device


def main() -> None:
    devices = tun(sys.argv[1]), tun(sys.argv[2])
    ways = [Way(devices[0], devices[1]), Way(devices[1], devices[0])]
    line, counts, chance = Settings(), Counts(), random.Random(1)  # noqa: S311 – loss, not a secret
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(20))
        print("first", flush=True)
    except PermissionError:
        print("shared", flush=True)
    while True:
        due = min(way.give(counts) for way in ways)
        wait = max(0.0, min(due - time.monotonic(), 1.0))
        ready, _, _ = select.select([*devices, 0], [], [], wait)
        for way in ways:
            way.take(line, chance, counts)
        if 0 in ready:
            words = sys.stdin.readline().split()
            if not words:
                return
            if words[0] == "set":
                rate, delay, loss, queue, bucket, seed = (float(word) for word in words[1:])
                line = Settings(rate, delay / 1e6, loss / 1e6, queue / 1e6, bucket * 8 / rate)
                counts, chance = Counts(), random.Random(int(seed))  # noqa: S311
                for way in ways:
                    way.waiting.clear()
                    way.last = 0.0
                print("ok", flush=True)
            else:
                print(json.dumps(vars(counts)), flush=True)
                counts = Counts()


if __name__ == "__main__":
    main()
