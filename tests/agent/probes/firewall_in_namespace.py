"""Loads each ruleset of a file into a network namespace of its own and prints what the probe says of it, as JSON."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

from google.protobuf.json_format import MessageToDict

from prerequis_agent.errors import ProbeError
from prerequis_agent.host import Host
from prerequis_agent.probes.firewall import PROBE

_LOADERS = {
    "iptables": ["iptables-restore"],
    "ip6tables": ["ip6tables-restore"],
    "legacy": ["iptables-legacy-restore"],
    "nft": ["nft", "-f", "-"],
}


def main() -> None:
    seen = {}
    for ruleset in tomllib.loads(Path(sys.argv[1]).read_text())["rulesets"]:
        subprocess.run(["nft", "flush", "ruleset"], check=True)
        subprocess.run(
            ["iptables-legacy-restore"], input="*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n", check=True, text=True
        )
        disabled = str(int(not ruleset.get("ipv6", True)))
        Path("/proc/sys/net/ipv6/conf/all/disable_ipv6").write_text(disabled)
        for key, command in _LOADERS.items():
            if key in ruleset:
                subprocess.run(command, input=ruleset[key], check=True, text=True)
        try:
            seen[ruleset["name"]] = MessageToDict(PROBE.observe(Host()).facts)
        except ProbeError as problem:
            seen[ruleset["name"]] = {"error": str(problem)}
    json.dump(seen, sys.stdout)


if __name__ == "__main__":
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    main()
