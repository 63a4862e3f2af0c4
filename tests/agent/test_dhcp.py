"""Whether an address comes from DHCP: the kernel first, then whatever manages the interface."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerequis_agent.attributes import Attributes
from prerequis_agent.dhcp import has_lease, is_dynamic, parse_interfaces
from prerequis_agent.host import CommandResult, Host

ASKED = "ip -4 -oneline address show dev eth0"
LEASED = "2: eth0    inet 10.0.0.7/24 brd 10.0.0.255 scope global dynamic eth0\\       valid_lft 80sec\n"
WRITTEN_DOWN = "2: eth0    inet 10.0.0.7/24 brd 10.0.0.255 scope global eth0\\       valid_lft forever\n"
CONNECTION = "[connection]\nuuid=u1\n[ipv4]\nmethod={0}\n"


@pytest.mark.parametrize(
    ("address", "files", "leased"),
    [
        (LEASED, {}, True),
        (WRITTEN_DOWN, {}, None),
        ("", {}, None),
        (None, {}, None),
        (WRITTEN_DOWN, {"/run/systemd/netif/links/2": "NETWORK_FILE=/etc/systemd/network/10.network"}, False),
        (WRITTEN_DOWN, {"/run/systemd/netif/links/2": "ADMIN_STATE=unmanaged"}, None),
        (WRITTEN_DOWN, {"/run/systemd/netif/links/2": "A=b", "/run/systemd/netif/leases/2": "ADDRESS=10.0.0.7"}, True),
        (WRITTEN_DOWN, {"/run/NetworkManager/devices/2": "[device]\nconnection-uuid=u1\n"}, None),
        (
            WRITTEN_DOWN,
            {
                "/run/NetworkManager/devices/2": "[device]\nconnection-uuid=u1\n",
                "/etc/NetworkManager/system-connections/a": CONNECTION.format("manual"),
            },
            False,
        ),
        (
            None,
            {
                "/run/NetworkManager/devices/2": "[device]\nconnection-uuid=u1\n",
                "/run/NetworkManager/system-connections/a": CONNECTION.format("auto"),
            },
            True,
        ),
        (WRITTEN_DOWN, {"/etc/network/interfaces": "iface eth0 inet6 auto\niface eth0 inet static\n"}, False),
        (None, {"/etc/network/interfaces.d/a": "iface eth0 inet dhcp\n"}, True),
    ],
)
def test_a_lease_is_known_by_its_end_or_by_what_manages_the_interface(
    tmp_path: Path, address: str | None, files: dict[str, str], leased: bool | None
) -> None:
    for path, content in ({"/sys/class/net/eth0/ifindex": "2\n"} | files).items():
        place = tmp_path / path[1:]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content)
    answers = {} if address is None else {ASKED: CommandResult(0, address, "")}
    host = Host(tmp_path, "linux", answers=answers)
    assert has_lease(host, Attributes(host), "eth0") is leased


def test_an_address_of_another_family_or_name_says_nothing() -> None:
    assert not is_dynamic("2: eth0    inet6 fd00::7/64 scope global dynamic \\       valid_lft 80sec\n")
    assert not is_dynamic("2: dynamic    inet 10.0.0.7/24 scope global dynamic0\\       valid_lft forever\n")


@given(st.text() | st.text("iface eth0 inet dhcpstatic\n"))
def test_any_text_is_a_configuration(text: str) -> None:
    assert parse_interfaces(text, "eth0") in (True, False, None)
