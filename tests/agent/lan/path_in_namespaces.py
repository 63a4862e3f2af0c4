"""A machine, two routers and a collector in namespaces of their own; prints what the machine finds of its path.

Told to clamp, the first router asks for smaller segments, as the box of a line does.
"""

import json
import socket
import subprocess
import sys
from dataclasses import asdict
from itertools import pairwise

from prerequis_agent.lan.path import path_to

MACHINES = ("near", "box", "backbone", "far")
CLAMP = """
table ip clamp {
  chain forward {
    type filter hook forward priority 0;
    tcp flags syn tcp option maxseg size set 1360
  }
}
"""


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def inside(machine: str, *command: str, text: str | None = None) -> None:
    subprocess.run(["ip", "netns", "exec", machine, *command], input=text, text=True, check=True)


def build() -> None:
    for machine in MACHINES:
        ip("netns", "add", machine)
        ip("-n", machine, "link", "set", "lo", "up")
        inside(machine, "sysctl", "-qw", "net.ipv4.ip_forward=1")
    for number, (one, other) in enumerate(pairwise(MACHINES), 1):
        ip("link", "add", f"a{number}", "netns", one, "type", "veth", "peer", "name", f"b{number}", "netns", other)
        for machine, end, last in ((one, f"a{number}", 1), (other, f"b{number}", 2)):
            ip("-n", machine, "address", "add", f"10.0.{number}.{last}/24", "dev", end)
            ip("-n", machine, "link", "set", end, "up")
    ip("-n", "near", "route", "add", "default", "via", "10.0.1.2")
    ip("-n", "box", "route", "add", "10.0.3.0/24", "via", "10.0.2.2")
    ip("-n", "backbone", "route", "add", "10.0.1.0/24", "via", "10.0.2.1")
    ip("-n", "far", "route", "add", "default", "via", "10.0.3.1")


LISTENER = (
    "import socket\n"
    "listener = socket.create_server(('10.0.3.2', 7443))\n"
    "print('ready', flush=True)\n"
    "while True: listener.accept()[0].close()\n"
)


def main() -> None:
    build()
    if "clamped" in sys.argv:
        inside("box", "nft", "-f", "-", text=CLAMP)
    command = ["ip", "netns", "exec", "far", sys.executable, "-c", LISTENER]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as far:
        assert far.stdout is not None
        assert far.stdout.readline() == b"ready\n"
        done = subprocess.run(
            ["ip", "netns", "exec", "near", sys.executable, __file__, "look"], capture_output=True, check=True
        )
        sys.stdout.buffer.write(done.stdout)
        far.kill()


def look() -> None:
    found = {"collector": asdict(path_to(["10.0.3.2"], 7443, 6.0)), "nobody": asdict(path_to([], 0, 1.0))}
    try:
        path_to(["10.0.3.99"], 7443, 0.5)
    except (TimeoutError, socket.gaierror, OSError) as problem:
        found["absent"] = {"error": type(problem).__name__}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    if "look" in sys.argv:
        look()
    else:
        main()
