"""What the machines of a site see together of their local network."""

from collections.abc import Iterable

from prerequis.v1.facts_pb2 import Facts


def dhcp_servers(machines: Iterable[Facts]) -> int | None:
    """Return the greatest number of DHCP servers seen behind one gateway, by leases and by who asked on the wire.

    None where only one or none was seen and nobody asked: a second server may be there that no lease has shown yet.
    """
    servers: dict[str, set[str]] = {}
    asked = False
    for machine in machines:
        gateways = machine.network.gateways.addresses
        seen = servers.setdefault(gateways[0] if gateways else "", set())
        if machine.lan.HasField("dhcp_server"):
            seen.add(machine.lan.dhcp_server)
        if machine.lan.check.HasField("dhcp_offers"):
            asked = True
            seen.update(machine.lan.check.dhcp_offers.addresses)
    most = max(map(len, servers.values()), default=0)
    return most if asked or most > 1 else None
