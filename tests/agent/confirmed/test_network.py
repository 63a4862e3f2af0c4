"""The network, what listens, and what filters."""

import json
from typing import Any

import pytest
from tests.agent.confirmed.witness import confirms, listening, said, shell

from prerequis.v1.facts_pb2 import Facts, Interface

pytestmark = pytest.mark.xdist_group("confirmed")


def ip(*argv: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(said("ip", "-j", *argv) or "[]")
    return found


@confirms(*(f"network.interfaces{part}" for part in ("", ".name", ".mtu", ".up", ".carries_default_route")))
def test_the_interfaces_are_those_of_ip(facts: Facts) -> None:
    links = {each["ifname"]: each for each in ip("link") if each["link_type"] != "loopback"}
    seen = {each.name: each for each in facts.network.interfaces}
    assert set(seen) == set(links)
    for name, link in links.items():
        assert seen[name].mtu == link["mtu"]
        if link["operstate"] != "UNKNOWN":
            assert seen[name].up == (link["operstate"] == "UP")
    preferred = [
        route["dev"] for route in [*ip("-4", "route", "show", "default"), *ip("-6", "route", "show", "default")]
    ]
    assert [name for name, each in seen.items() if each.carries_default_route] == preferred[:1]


@confirms("network.interfaces.kind")
def test_an_interface_without_a_bus_behind_it_is_no_ethernet(facts: Facts) -> None:
    for link in ip("-d", "link"):
        seen = next((each for each in facts.network.interfaces if each.name == link["ifname"]), None)
        if seen and "parentbus" in link:
            assert seen.kind in (Interface.ETHERNET, Interface.WIFI, Interface.MOBILE)
        elif seen:
            assert seen.kind in (Interface.VIRTUAL, Interface.TUNNEL)


@confirms("network.interfaces.speed_bits_per_second", "network.interfaces.full_duplex")
def test_the_rate_of_an_interface_is_that_of_ethtool(facts: Facts) -> None:
    rated = [each for each in facts.network.interfaces if each.HasField("speed_bits_per_second")]
    if not rated:
        pytest.skip("no interface tells its rate, and none is reported")
    for each in rated:
        told = said("ethtool", each.name)
        assert f"Speed: {each.speed_bits_per_second // 1_000_000}Mb/s" in told
        assert not each.HasField("full_duplex") or ("Duplex: Full" in told) == each.full_duplex


@confirms("network.gateways.addresses")
def test_the_gateways_are_those_of_ip_route(facts: Facts) -> None:
    routes = [*ip("-4", "route", "show", "default"), *ip("-6", "route", "show", "default")]
    assert list(facts.network.gateways.addresses) == [route["gateway"] for route in routes if "gateway" in route]


@confirms("network.resolvers.addresses")
def test_the_resolvers_are_those_of_the_systems_file(facts: Facts) -> None:
    configured = shell("awk '$1 == \"nameserver\" { print $2 }' /etc/resolv.conf").split()
    if any(address.startswith("127.") for address in configured):
        configured = said("resolvectl", "dns").split()
    assert list(facts.network.resolvers.addresses) == [each for each in configured if each[0].isalnum()]


@confirms("network.dhcp")
def test_the_address_is_leased_when_ip_says_that_it_ends(facts: Facts) -> None:
    route = ip("-4", "route", "show", "default")[:1]
    addresses = (
        [each for link in ip("-4", "addr", "show", route[0]["dev"]) for each in link["addr_info"]] if route else []
    )
    if any(address.get("dynamic") for address in addresses):
        assert facts.network.dhcp
    elif facts.network.HasField("dhcp"):
        assert not facts.network.dhcp or shell("cat /run/systemd/netif/leases/* /etc/network/interfaces 2>/dev/null")
    else:
        pytest.skip("the address has no end, and nothing says who wrote it down")


@confirms("firewall.active", "firewall.inbound_denied_by_default", "firewall.engines", "firewall.profiles")
def test_nothing_filters_where_nft_and_iptables_have_no_rule(facts: Facts) -> None:
    rules = json.loads(said("nft", "--json", "list", "ruleset") or '{"nftables": []}')["nftables"]
    hooks = [each["chain"] for each in rules if "chain" in each and each["chain"].get("hook") == "input"]
    legacy = [
        line for line in shell("iptables-legacy-save 2>/dev/null").splitlines() if line.startswith(("-A", ":INPUT D"))
    ]
    if hooks or legacy:
        pytest.skip("rules are in force; tests/agent/probes/test_firewall.py sends packets through such rules")
    assert not facts.firewall.active
    assert not facts.firewall.inbound_denied_by_default
    assert list(facts.firewall.engines) == []
    assert list(facts.firewall.profiles) == []


@confirms(
    *(f"legacy_protocols.{name}" for name in ("servers.names", "netbios", "llmnr", "winrm_listening")),
    "remote_desktop.enabled", "ssh.running",
)  # fmt: skip
def test_what_listens_is_what_ss_sees(facts: Facts) -> None:
    tcp, udp = listening("-t"), listening("-u")
    names = {21: "ftp", 23: "telnet", 512: "rexec", 513: "rlogin", 514: "rsh"}
    servers = {names[port] for port in tcp if port in names} | ({"tftp"} if 69 in udp else set())
    assert set(facts.legacy_protocols.servers.names) == servers
    assert facts.legacy_protocols.netbios == (137 in udp)
    assert facts.legacy_protocols.llmnr <= (5355 in udp | tcp)
    assert facts.remote_desktop.enabled == bool(tcp & {3389, 5900})
    assert facts.ssh.running == (22 in tcp)


@confirms("ssh.root_login", "ssh.passwords")
def test_the_settings_of_the_ssh_server_are_those_that_it_says(facts: Facts) -> None:
    told = said("sshd", "-T").lower()
    if not told:
        pytest.skip("sshd tells root alone how it is set")
    assert not facts.ssh.HasField("root_login") or facts.ssh.root_login != ("permitrootlogin no" in told)
    assert not facts.ssh.HasField("passwords") or facts.ssh.passwords == ("passwordauthentication yes" in told)


@confirms(
    *(f"legacy_protocols.{name}" for name in (
        "smb1_server", "smb1_client", "smb_server_signs", "smb_client_signs", "smb_guest_access",
    )),
)  # fmt: skip
def test_smb_1_is_off_where_neither_samba_nor_an_old_mount_is_there(facts: Facts) -> None:
    if shell("command -v smbd"):
        pytest.skip("Samba is here; tests/agent/test_samba.py and the fixture hosts have its settings")
    assert not facts.legacy_protocols.smb1_server
    assert facts.legacy_protocols.smb1_client == ("vers=1.0" in said("findmnt", "-t", "cifs"))


@confirms("legacy_protocols.clients.names")
def test_the_old_clients_are_those_in_the_path(facts: Facts) -> None:
    there = {name for name in ("rlogin", "rsh", "telnet", "tftp") if shell(f"command -v {name}")}
    # rsh and rlogin may be alternatives, which lead to ssh where nothing older is installed.
    assert set(facts.legacy_protocols.clients.names) <= there
    assert {"telnet", "tftp"} & there <= set(facts.legacy_protocols.clients.names)


@confirms("legacy_protocols.snmp_default_community")
def test_no_default_community_where_grep_finds_none(facts: Facts) -> None:
    found = shell("grep -rE '^[^#]*(public|private)' /etc/snmp/snmpd.conf 2>/dev/null")
    assert facts.legacy_protocols.snmp_default_community == bool(found)


@confirms("vpn.tunnels", *(f"vpn.tunnels.{name}" for name in ("kind", "connected", "split")))
def test_there_is_no_tunnel_where_neither_files_nor_links_show_one(facts: Facts) -> None:
    files = shell("ls /etc/wireguard/*.conf /etc/openvpn/*.conf /etc/openvpn/*/*.conf 2>/dev/null").split()
    links = [link for link in ip("-d", "link") if link.get("linkinfo", {}).get("info_kind") in ("wireguard", "tun")]
    if not files and not links and not shell("grep -rl 'type=vpn' /etc/NetworkManager 2>/dev/null"):
        assert list(facts.vpn.tunnels) == []
    else:
        assert facts.vpn.tunnels


@confirms(*(f"wifi.{name}" for name in ("present", "connected")))
def test_there_is_wifi_where_the_kernel_has_a_radio(facts: Facts) -> None:
    assert facts.wifi.present == bool(shell("ls /sys/class/ieee80211 2>/dev/null").split())
    if not facts.wifi.present:
        assert not facts.wifi.connected


@confirms("proxy", *(f"proxy.{name}" for name in ("configured", "automatic_script", "automatic_discovery")))
def test_a_proxy_is_known_only_where_a_file_of_the_system_names_one(facts: Facts) -> None:
    places = "/etc/environment /etc/profile.d /etc/apt/apt.conf.d /etc/dconf"
    named = shell(f"grep -riE '(https?|all)_proxy=|Acquire::https?::Proxy|org/gnome/system/proxy' {places} 2>/dev/null")
    if facts.proxy.configured:
        assert named
    assert not facts.proxy.automatic_script or "autoconfig" in named


@confirms("tls", *(f"tls.{name}" for name in ("ssl3", "tls1_0", "tls1_1", "tls1_2", "tls1_3")))
def test_openssl_has_limits_where_its_configuration_sets_them(facts: Facts) -> None:
    limits = shell("grep -E '^[[:space:]]*(MinProtocol|MaxProtocol|Protocol)[[:space:]]*=' /etc/ssl/openssl.cnf")
    assert bool(limits) == any(field.name for field, _ in facts.tls.ListFields())
