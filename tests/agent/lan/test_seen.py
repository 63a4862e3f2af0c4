"""What any account may see of the local network: of each system by its own words, and of the path by real routers."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.lan.test_wire import WHY_NOT

from prerequis.v1.lan_pb2 import Lan, LanCheck
from prerequis_agent.attributes import Attributes
from prerequis_agent.errors import Unsupported
from prerequis_agent.host import CommandResult, Host
from prerequis_agent.lan import seen
from prerequis_agent.lan.path import Way
from prerequis_agent.probes import lan
from prerequis_agent.surroundings import Surroundings

NO_ROUTE = "0" * 32 + " 00 " + "0" * 32 + " 00 " + "0" * 32 + " ffffffff 00000001 00000000 00200200       lo"
ROUTER = "0" * 32 + " 00 " + "0" * 32 + " 00 fe80000000000000000000000000000{} 00000400 00000001 00000000 00450003 eth0"
NETWORKD = {"/sys/class/net/eth0/ifindex": "2\n", "/run/systemd/netif/leases/2": "SERVER_ADDRESS=10.0.0.1\n"}
DHCLIENT = """
lease {
  interface "eth0";
  option dhcp-server-identifier 10.0.0.2;
}
lease {
  interface "wlan0";
  option dhcp-server-identifier 10.9.9.9;
}
"""
NMCLI = "DHCP4.OPTION[1]:broadcast_address = 10.0.0.255\nDHCP4.OPTION[2]:dhcp_server_identifier = 10.0.0.3\n"
ADDRESSES = "1: lo    inet 127.0.0.1/8 scope host lo\n2: eth0    inet 10.0.0.7/24 scope global eth0\n"
NMCLI_COMMAND = "nmcli -t -f DHCP4 device show eth0"
NETSTAT = """Routing tables
Internet6:
Destination        Gateway                         Flags         Netif Expire
default            fe80::1%en0                     UGcg            en0
default            fe80::%utun0                    UGcIg         utun0
::1                ::1                             UHL             lo0
"""


class OneInterface(Host):
    """A machine of fixtures that leaves by one interface."""

    way = Way("10.0.0.7", 1492, 9)

    def path_to(self, addresses: object, port: int, timeout: float) -> Way:
        return self.way

    def psutil(self) -> ModuleType:
        address = SimpleNamespace(address="10.0.0.7")
        stats = SimpleNamespace(mtu=1500)
        return cast(
            ModuleType,
            SimpleNamespace(net_if_addrs=lambda: {"eth0": [address]}, net_if_stats=lambda: {"eth0": stats}),
        )


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "answers", "server"),
    [
        (NETWORKD, {}, "10.0.0.1"),
        ({"/var/lib/dhcp/dhclient.leases": DHCLIENT}, {}, "10.0.0.2"),
        ({}, {NMCLI_COMMAND: CommandResult(0, NMCLI, "")}, "10.0.0.3"),
        ({}, {NMCLI_COMMAND: CommandResult(0, "", "")}, None),
        ({}, {}, None),
    ],
    ids=["networkd", "dhclient", "NetworkManager", "written down", "nobody tells"],
)  # fmt: skip
def test_linux_tells_its_dhcp_server(
    tmp_path: Path, files: dict[str, str], answers: dict[str, CommandResult], server: str | None
) -> None:
    shown = {"ip -oneline address show": CommandResult(0, ADDRESSES, "")}
    root = tree(tmp_path, {"/sys/class/net/eth0/mtu": "1500\n", **files})
    host = OneInterface(root, "linux", answers={**shown, **answers})
    facts = lan.observe(host).facts
    assert isinstance(facts, Lan)
    assert (facts.dhcp_server if facts.HasField("dhcp_server") else None) == server
    assert (facts.path_mtu, facts.interface_mtu, facts.hops) == (1492, 1500, 9)


def test_linux_tells_its_ipv6_routers_and_addresses_used_twice(tmp_path: Path) -> None:
    routes = "\n".join([NO_ROUTE, ROUTER.format(1), ROUTER.format(2), ROUTER.format(1)])
    addresses = "fe800000000000000000000000000001 02 40 20 {} eth0\n"
    for flags, double in (("80", False), ("88", True)):
        root = tree(tmp_path, {"/proc/net/ipv6_route": routes, "/proc/net/if_inet6": addresses.format(flags)})
        facts = lan.observe(OneInterface(root, "linux")).facts
        assert isinstance(facts, Lan)
        assert (facts.ipv6_routers, facts.duplicate_address) == (2, double)


def test_macos_tells_its_dhcp_server_and_ipv6_routers(tmp_path: Path) -> None:
    answers = {
        "ipconfig getoption eth0 server_identifier": CommandResult(0, "10.0.0.4\n", ""),
        "netstat -rn -f inet6": CommandResult(0, NETSTAT, ""),
    }
    facts = lan.observe(OneInterface(tmp_path, "darwin", answers=answers)).facts
    assert isinstance(facts, Lan)
    assert (facts.dhcp_server, facts.ipv6_routers) == ("10.0.0.4", 1)


class WindowsHost(OneInterface):
    """What CIM answers on a machine whose second adapter is another network's."""

    rows: dict[str, list[dict[str, Any]]] = {  # noqa: RUF012 – the answer of one test
        "Win32_NetworkAdapterConfiguration": [
            {"IPAddress": ["192.168.56.1"], "DHCPServer": "192.168.56.254"},
            {"IPAddress": ["10.0.0.7", "fe80::7"], "DHCPServer": "10.0.0.5"},
        ],
        "MSFT_NetRoute": [{"NextHop": "fe80::1"}, {"NextHop": "fe80::1"}, {"NextHop": "::"}],
        "MSFT_NetIPAddress": [{"AddressState": 4}, {"AddressState": 2}],
    }

    def cim(self, namespace: str, class_name: str, *properties: str, where: object = None) -> list[Any]:
        return self.rows[class_name]


def test_windows_tells_the_server_of_the_adapter_in_use(tmp_path: Path) -> None:
    facts = lan.observe(WindowsHost(tmp_path, "win32")).facts
    assert isinstance(facts, Lan)
    assert (facts.dhcp_server, facts.ipv6_routers, facts.duplicate_address) == ("10.0.0.5", 1, True)


def test_what_a_person_had_heard_goes_with_the_report(tmp_path: Path) -> None:
    check = LanCheck(llmnr_heard=True)
    facts = lan.observe(OneInterface(tmp_path, "linux", Surroundings(lan_check=check))).facts
    assert isinstance(facts, Lan)
    assert facts.check == check


def test_a_machine_without_network_says_so(tmp_path: Path) -> None:
    class Cut(OneInterface):
        def path_to(self, addresses: object, port: int, timeout: float) -> Way:
            raise OSError(101, "Network is unreachable")

    with pytest.raises(Unsupported, match="pas de réseau"):
        lan.observe(Cut(tmp_path, "linux"))


@given(st.text(max_size=300))
def test_any_text_of_a_system_is_read(text: str) -> None:
    assert seen.parse_networkd(text) is None or "." in str(seen.parse_networkd(text))
    assert seen.parse_dhclient(text, "eth0") is None
    assert seen.parse_nmcli(text) is None
    assert seen.parse_ipv6_routers(text) == 0
    assert seen.parse_netstat(text) >= 0
    assert seen.parse_duplicates(text) is False
    assert seen.parse_address("255.255.255.255") is None


def test_attributes_are_asked_only_of_known_systems(tmp_path: Path) -> None:
    facts = Lan()
    host = Host(tmp_path, "freebsd14")
    seen.fill_seen(host, Attributes(host), facts, "em0", "10.0.0.7")
    assert facts == Lan()


@pytest.mark.skipif(bool(WHY_NOT) or not shutil.which("nft"), reason=WHY_NOT or "nft is missing")
@pytest.mark.parametrize(("how", "mtu"), [("plain", 1500), ("clamped", 1400)])
def test_the_path_is_found_through_real_routers_with_its_largest_packet(how: str, mtu: int) -> None:
    script = Path(__file__).with_name("path_in_namespaces.py")
    private = "mount --make-rprivate / && mount -t tmpfs none /run && mkdir /run/netns && mount -t proc proc /proc"
    command = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c"]
    done = subprocess.run(
        [*command, f"{private} && exec {sys.executable} {script} {how}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["collector"] == {"local_address": "10.0.1.1", "mtu": mtu, "hops": 3}
    assert found["nobody"] == {"local_address": "10.0.1.1", "mtu": None, "hops": None}
    assert "error" in found["absent"]
