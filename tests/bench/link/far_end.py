"""The server's side of the rig: the collector's own byte ports under leases that never end, in a process of its own.

far_end.py FOLDER: writes the files that the near end needs into the folder, then one line of JSON with its ports. Each
line that it reads is an order: a lease in place of the one before, its token the answer.
"""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from tests.bench.link.rig import SERVER

from prerequis_collector.config import Address
from prerequis_collector.line_server import LineServer, server_context
from prerequis_collector.services.authority import Authority, key_pem, new_key
from prerequis_collector.services.lease import Lease, Leases

AGENTS = ("one", "two")
_PEM = serialization.Encoding.PEM


def identities(folder: Path) -> Authority:
    """Write an authority, a server's and two agents' keys and certificates."""
    now = datetime.now(UTC)
    authority = Authority.create(now)
    (folder / "authority.pem").write_bytes(authority.certificate_pem())
    for name in AGENTS:
        key = new_key()
        certificate = authority.issue_agent(key.public_key(), name, now)
        (folder / f"{name}.pem").write_bytes(key_pem(key) + certificate.public_bytes(_PEM))
    key = new_key()
    certificate = authority.issue_server(key.public_key(), (SERVER, "127.0.0.1", "localhost"), now)
    (folder / "server.pem").write_bytes(certificate.public_bytes(_PEM))
    (folder / "server.key").write_bytes(key_pem(key))
    return authority


def main() -> None:
    folder = Path(sys.argv[1])
    identities(folder)
    leases = Leases()
    paths = (str(folder / name) for name in ("server.pem", "server.key", "authority.pem"))
    line = LineServer(Address("0.0.0.0", 0), server_context(*paths), leases)  # noqa: S104 – in a namespace of its own
    print(json.dumps({"port": line.address.port}), flush=True)
    for order in sys.stdin:
        asked = json.loads(order)
        lease = Lease(asked["agent"], "bench", asked["bytes"])
        leases.give(lease)
        print(json.dumps({"token": lease.token.hex()}), flush=True)
    line.close()


if __name__ == "__main__":
    main()
