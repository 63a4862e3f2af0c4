"""In a network namespace of its own: a cable, this machine at one end, and at the other whatever a story puts there.

Prints what the check heard, as JSON, and whether scapy came into this process.
"""

import json
import subprocess
import sys
from pathlib import Path

from google.protobuf.json_format import MessageToDict

from prerequis_agent.errors import ProbeError
from prerequis_agent.lan import check, wire

CABLE = (
    "link add name near type veth peer name far",
    "address add 10.9.0.2/24 dev near",
    "link set lo up",
    "link set near up",
    "link set far up",
    "route add default via 10.9.0.1 dev near",
)

SILENCE_SECONDS, LONGEST_SECONDS = 2.5, 40.0


def main(story: str, interface: str) -> None:
    # The kernel would answer at the far end for the address of the near one: both are its own.
    Path("/proc/sys/net/ipv4/conf/all/arp_ignore").write_text("1")
    for command in CABLE:
        subprocess.run(["ip", *command.split()], check=True)
    wire.ENOUGH_SECONDS = 3.0
    wire.QUESTIONS = (0.0, 0.4)
    far_end = [sys.executable, str(Path(__file__).with_name("far_end.py")), story]
    with subprocess.Popen(far_end, stdout=subprocess.PIPE) as far:
        assert far.stdout is not None
        assert far.stdout.readline() == b"ready\n"
        heard = listen(interface, SILENCE_SECONDS if story == "silence" else LONGEST_SECONDS)
        far.kill()
    json.dump(heard | {"scapy": "scapy" in sys.modules}, sys.stdout)


def listen(interface: str, seconds: float) -> dict[str, object]:
    try:
        return dict(MessageToDict(check.listen(interface, seconds)))
    except ProbeError as problem:
        return {type(problem).__name__: str(problem)}


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
