"""How many DHCP servers a site's machines see together, and when that says anything."""

from collections.abc import Sequence

import pytest

from prerequis.v1.facts_pb2 import Facts
from prerequis_rules.local_network import dhcp_servers
from prerequis_rules.measures import measures_of


def machine(gateway: str = "10.0.0.1", lease: str = "", offers: Sequence[str] | None = None) -> Facts:
    facts = Facts()
    facts.network.gateways.addresses.append(gateway)
    if lease:
        facts.lan.dhcp_server = lease
    if offers is not None:
        facts.lan.check.dhcp_offers.SetInParent()
        facts.lan.check.dhcp_offers.addresses.extend(offers)
    return facts


@pytest.mark.parametrize(
    ("machines", "count"),
    [
        ([], None),
        ([machine(), Facts()], None),
        ([machine(lease="10.0.0.1"), machine(lease="10.0.0.1")], None),
        ([machine(lease="10.0.0.1"), machine(lease="10.0.0.99")], 2),
        ([machine(lease="10.0.0.1"), machine("10.1.0.1", lease="10.1.0.1")], None),
        ([machine(offers=[])], 0),
        ([machine(lease="10.0.0.1", offers=["10.0.0.1"])], 1),
        ([machine(lease="10.0.0.1", offers=["10.0.0.99"])], 2),
        ([machine(offers=[]), machine("10.1.0.1", "10.1.0.1"), machine("10.1.0.1", "10.1.0.2")], 2),
    ],
    ids=["none", "silent", "one by lease", "two by lease", "two networks", "no answer", "one", "two", "elsewhere"],
)  # fmt: skip
def test_servers_are_counted_behind_one_gateway_and_silence_proves_nothing(
    machines: list[Facts], count: int | None
) -> None:
    assert dhcp_servers(machines) == count
    measures = measures_of(machines)
    assert (measures.dhcp_servers if measures.HasField("dhcp_servers") else None) == count
