"""The client's side of the rig: one measurement as a workstation makes it, in a process of its own.

near_end.py FOLDER LEASE, the lease as JSON: writes one line of JSON, the facts and what they cost.
"""

import json
import resource
import sys
import time
from contextlib import nullcontext
from pathlib import Path

from google.protobuf import json_format
from tests.bench.link.rig import SERVER

from prerequis.v1.line_pb2 import LineMethod
from prerequis_agent.host import Host
from prerequis_agent.line import conditions
from prerequis_agent.line.measure import look, measure
from prerequis_agent.surroundings import Collector, Lease


def main() -> None:
    folder, asked = Path(sys.argv[1]), json.loads(sys.argv[2])
    method = LineMethod.Value(asked["method"])
    target = asked.get("target", 0.0)
    lease = Lease(
        bytes.fromhex(asked["token"]),
        asked["port"],
        asked["bytes"],
        method=method,
        down_target_bits_per_second=target,
        up_target_bits_per_second=target,
        user_bits_per_second=asked.get("user", 0.0),
        streams=4,
    )

    identity = folder / f"{asked['agent']}.pem"
    collector = Collector(SERVER, asked["port"], folder / "authority.pem", identity, lambda: nullcontext(lease))
    conditions.QUIET_SECONDS = 0.2  # nobody else is in this namespace
    host = Host()
    started = time.perf_counter()
    before = look(host, collector)
    line, detail = measure(host, collector, lease, before)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "line": json_format.MessageToDict(line),
                "detail": detail,
                "seconds": time.perf_counter() - started,
                "cpu": usage.ru_utime + usage.ru_stime,
                "memory": usage.ru_maxrss * 1024,
                "scapy": "scapy" in sys.modules,
            }
        ),
        flush=True,
    )


if __name__ == "__main__":
    main()
