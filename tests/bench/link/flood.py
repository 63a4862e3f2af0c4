"""Sends datagrams faster than a line, or counts those that pass: what a link really lets through.

flood.py sink                          writes its port, then bits per second from the first datagram to the last
flood.py send ADDRESS PORT RATE        for SECONDS, after which an empty datagram says that it is over
"""

import contextlib
import socket
import sys
import time

PAYLOAD = 1400
SECONDS = 1.5
FILLING_SECONDS = 0.3
"""Left out at the start, where the queue fills."""


def sink() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("0.0.0.0", 0))  # noqa: S104 – in a namespace of its own
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        listener.settimeout(10)
        print(listener.getsockname()[1], flush=True)
        arrivals: list[tuple[float, int]] = []
        while content := listener.recv(2048):
            arrivals.append((time.perf_counter(), len(content)))
            listener.settimeout(1.0)
        begin = arrivals[0][0] + FILLING_SECONDS
        counted = [(at, count) for at, count in arrivals if at >= begin]
        moved = sum(count for _, count in counted[1:])
        print(8 * moved / (counted[-1][0] - counted[0][0]))


def send(address: str, port: int, rate: float) -> None:
    content = bytes(PAYLOAD)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect((address, port))
        started = time.perf_counter()
        sent = 0
        while (elapsed := time.perf_counter() - started) < SECONDS:
            while sent * PAYLOAD * 8 < elapsed * rate:
                sender.send(content)
                sent += 1
            time.sleep(0.001)
        time.sleep(0.5)
        with contextlib.suppress(ConnectionRefusedError):  # the sink has heard the first of them and gone
            for _ in range(5):
                sender.send(b"")
                time.sleep(0.05)


if __name__ == "__main__":
    if sys.argv[1] == "sink":
        sink()
    else:
        send(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
