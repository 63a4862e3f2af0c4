"""Observes the protocols that the ANSSI guide asks to give up: SMB 1, LLMNR, NetBIOS, telnet and their like.

What is in force comes first, the policy second: a port that is listened to, a driver that may start.
"""

import re
from collections.abc import Iterable

from prerequis.v1.exposure_pb2 import LegacyProtocols, ProtocolNames
from prerequis_agent.attributes import Attributes, fill
from prerequis_agent.errors import Unreadable, Unsupported
from prerequis_agent.host import Host
from prerequis_agent.listeners import LISTENER_FILES, UDP_LISTENER_FILES, listened_ports, listened_udp_ports
from prerequis_agent.probe import Observation, Probe

_SERVICES = r"HKLM\SYSTEM\CurrentControlSet\Services"
_SERVER, _WORKSTATION = rf"{_SERVICES}\LanmanServer\Parameters", rf"{_SERVICES}\LanmanWorkstation\Parameters"
_WORKSTATION_POLICY = r"HKLM\SOFTWARE\Policies\Microsoft\Windows\LanmanWorkstation"
_SMB1_CLIENT, _REMOTE_REGISTRY, _SNMP = rf"{_SERVICES}\mrxsmb10", rf"{_SERVICES}\RemoteRegistry", rf"{_SERVICES}\SNMP"
_COMMUNITIES = rf"{_SNMP}\Parameters\ValidCommunities"
_DNS_POLICY = r"HKLM\SOFTWARE\Policies\Microsoft\Windows NT\DNSClient"
_DNS_CLIENT = rf"{_SERVICES}\Dnscache\Parameters"
_NETBT = rf"{_SERVICES}\NetBT\Parameters\Interfaces"
_WINRM_POLICY = r"HKLM\SOFTWARE\Policies\Microsoft\Windows\WinRM\Service"
_WINRM = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\WSMAN\Service"
_CONNECTIONS = ("root/StandardCimv2", "MSFT_NetTCPConnection")
_ENDPOINTS = ("root/StandardCimv2", "MSFT_NetUDPEndpoint")
_SYSTEM = r"C:\Windows\System32"
_CIM_LISTEN, _DISABLED, _FEATURE_ON, _NETBIOS_OFF = 2, 4, 1, 2

_TCP_SERVERS = {21: "ftp", 23: "telnet", 512: "rexec", 513: "rlogin", 514: "rsh"}
_TFTP, _NETBIOS, _LLMNR, _SNMP_PORT, _WINRM_PORTS = 69, 137, 5355, 161, frozenset({5985, 5986})
_PUBLIC_NAMES = ("public", "private")

_CLIENTS = {"rlogin": "/usr/bin/rlogin", "rsh": "/usr/bin/rsh", "telnet": "/usr/bin/telnet", "tftp": "/usr/bin/tftp"}
_WINDOWS_CLIENTS = {name: rf"{_SYSTEM}\{name}.exe" for name in ("telnet", "tftp")}
_ALTERNATIVES = "/etc/alternatives"
_SAMBA, _SAMBA_PROGRAM = "/etc/samba/smb.conf", "/usr/sbin/smbd"
_SNMPD, _MOUNTS = "/etc/snmp/snmpd.conf", "/proc/mounts"
_OLD_DIALECTS = frozenset({"core", "coreplus", "lanman1", "lanman2", "nt1"})
_COMMUNITY = re.compile(r"^[ \t]*(?:r[ow]community6?[ \t]+(\S+)|com2sec6?[ \t]+\S+[ \t]+\S+[ \t]+(\S+))", re.MULTILINE)
_SMB1_MOUNT = re.compile(r"^\S+ \S+ cifs \S*\bvers=1\.0\b", re.MULTILINE)


def parse_samba(text: str) -> dict[str, str]:
    """Return the settings of the section [global] of an smb.conf, names and values in lower case."""
    settings: dict[str, str] = {}
    section = "global"
    for line in text.lower().splitlines():
        content = line.strip()
        if content.startswith("["):
            section = content.strip("[]")
        elif "=" in content and not content.startswith(("#", ";")) and section == "global":
            name, _, value = content.partition("=")
            settings[" ".join(name.split())] = value.strip()
    return settings


def parse_netstat(text: str) -> frozenset[int]:
    """Return the ports of `netstat -an -p tcp` or `udp` of macOS that other machines can try; raises Unreadable."""
    if "Local Address" not in text:
        raise Unreadable("netstat ne liste pas les ports.")
    rows = [line.split() for line in text.splitlines() if line.startswith(("tcp", "udp"))]
    places = [row[3].rpartition(".") for row in rows if len(row) > 4 and (row[-1] == "LISTEN" or row[0][:3] == "udp")]
    return frozenset(
        int(port) for address, _, port in places if port.isdecimal() and address not in ("127.0.0.1", "::1")
    )


def servers_on(tcp: Iterable[int], udp: Iterable[int]) -> list[str]:
    """Return the names of the old protocols whose ports are listened to, sorted."""
    found = {_TCP_SERVERS[port] for port in tcp if port in _TCP_SERVERS}
    return sorted(found | ({"tftp"} if _TFTP in udp else set()))


def observe(host: Host) -> Observation:
    """Return what is in use; what this system does not have, and what cannot be seen, stays unset."""
    attributes = Attributes(host)
    facts = LegacyProtocols()
    if host.platform == "win32":
        _fill_smb_of_windows(host, attributes, facts)
        _fill_names_of_windows(host, attributes, facts)
        _fill_services_of_windows(host, attributes, facts)
    elif host.platform == "linux":
        _fill_from_linux(host, attributes, facts)
    elif host.platform == "darwin":
        tcp, udp = (parse_netstat(host.run("netstat", "-an", "-p", kind).stdout) for kind in ("tcp", "udp"))
        facts.servers.CopyFrom(ProtocolNames(names=servers_on(tcp, udp)))
        facts.clients.CopyFrom(ProtocolNames(names=[name for name, path in _CLIENTS.items() if host.exists(path)]))
        facts.netbios = _NETBIOS in udp
    else:
        raise Unsupported("Les anciens protocoles ne sont pas relevés sur ce système.")
    return Observation(facts, attributes.detail(facts, {"servers": "serveurs à l'écoute"}))


def _fill_smb_of_windows(host: Host, attributes: Attributes, facts: LegacyProtocols) -> None:
    feature: bool | None = None
    with attributes.part():
        features = host.cim("root/cimv2", "Win32_OptionalFeature", "Name", "InstallState")
        # The name is spelt so, and InstallState is 1 when it is on (Microsoft, Win32_OptionalFeature).
        feature = any(row["Name"] == "SMB1Protocol" and row["InstallState"] == _FEATURE_ON for row in features)
    allowed = attributes.dword(_SERVER, "SMB1")
    if feature is False or allowed == 0:
        facts.smb1_server = False
    elif feature or allowed:
        facts.smb1_server = True
    driver = attributes.dword(_SMB1_CLIENT, "Start", _DISABLED)
    if feature is False or driver is not None:
        facts.smb1_client = feature is not False and driver != _DISABLED
    for field, key in (("smb_server_signs", _SERVER), ("smb_client_signs", _WORKSTATION)):
        # The default has changed with Windows 11 24H2, and differs by edition: absent is not known.
        required = attributes.dword(key, "RequireSecuritySignature")
        fill(facts, **{field: None if required is None else required == 1})
    values = (attributes.dword(key, "AllowInsecureGuestAuth") for key in (_WORKSTATION_POLICY, _WORKSTATION))
    guest = next((value for value in values if value is not None), None)
    fill(facts, smb_guest_access=None if guest is None else guest == 1)


def _fill_names_of_windows(host: Host, attributes: Attributes, facts: LegacyProtocols) -> None:
    # Not configured, the policy leaves LLMNR on (ADMX_DnsClient, "Turn off multicast name resolution").
    multicast = [attributes.dword(key, "EnableMulticast", 1) for key in (_DNS_POLICY, _DNS_CLIENT)]
    if 0 in multicast:
        facts.llmnr = False
    elif None not in multicast:
        facts.llmnr = True
    if attributes.dword(_DNS_POLICY, "EnableNetbios") == 0:
        facts.netbios = False
        return
    with attributes.part():
        properties = ("SettingID", "TcpipNetbiosOptions")
        adapters = host.cim("root/cimv2", "Win32_NetworkAdapterConfiguration", *properties, where={"IPEnabled": True})
        # 0 leaves it to DHCP, 1 is on, 2 is off; what DHCP does not decide is on.
        options = [
            row["TcpipNetbiosOptions"] or attributes.dword(rf"{_NETBT}\Tcpip_{row['SettingID']}", "DhcpNetbiosOptions")
            for row in adapters
        ]
        fill(facts, netbios=any(option != _NETBIOS_OFF for option in options) if options else None)


def _fill_services_of_windows(host: Host, attributes: Attributes, facts: LegacyProtocols) -> None:
    with attributes.part():
        tcp = _windows_ports(host, *_CONNECTIONS, State=_CIM_LISTEN)
        udp = _windows_ports(host, *_ENDPOINTS)
        facts.servers.CopyFrom(ProtocolNames(names=servers_on(tcp, udp)))
        facts.winrm_listening = bool(_WINRM_PORTS & tcp)
    clients = [name for name, path in _WINDOWS_CLIENTS.items() if host.exists(path)]
    facts.clients.CopyFrom(ProtocolNames(names=clients))
    # Absent, the policy and the setting leave AllowUnencrypted at False (Microsoft, "Installation and configuration
    # for Windows Remote Management").
    imposed = attributes.dword(_WINRM_POLICY, "AllowUnencryptedTraffic")
    clear = attributes.dword(_WINRM, "allow_unencrypted", 0) if imposed is None else imposed
    registry = attributes.dword(_REMOTE_REGISTRY, "Start", _DISABLED)
    fill(
        facts,
        winrm_in_clear=None if clear is None else clear == 1,
        remote_registry=None if registry is None else registry != _DISABLED,
    )
    if attributes.dword(_SNMP, "Start", _DISABLED) == _DISABLED:
        facts.snmp_default_community = False
        return
    rights = [attributes.dword(_COMMUNITIES, name, 0) for name in _PUBLIC_NAMES]
    if any(rights):
        facts.snmp_default_community = True
    elif None not in rights:
        facts.snmp_default_community = False


def _windows_ports(host: Host, namespace: str, class_name: str, **where: int) -> frozenset[int]:
    rows = host.cim(namespace, class_name, "LocalAddress", "LocalPort", where=where)
    return frozenset(
        row["LocalPort"]
        for row in rows
        if isinstance(row["LocalPort"], int) and not str(row["LocalAddress"]).startswith(("127.", "::1"))
    )


def _fill_from_linux(host: Host, attributes: Attributes, facts: LegacyProtocols) -> None:
    tcp, udp = listened_ports(attributes), listened_udp_ports(attributes)
    if tcp is not None and udp is not None:
        facts.servers.CopyFrom(ProtocolNames(names=servers_on(tcp, udp)))
        facts.llmnr = _LLMNR in udp
        facts.netbios = _NETBIOS in udp
        if _SNMP_PORT not in udp:
            facts.snmp_default_community = False
        else:
            text = attributes.text(_SNMPD)
            if text is not None:
                names = {name for pair in _COMMUNITY.findall(text) for name in pair}
                facts.snmp_default_community = bool(names.intersection(_PUBLIC_NAMES))
    clients = [name for name, path in _CLIENTS.items() if _is_itself(host, name, path)]
    facts.clients.CopyFrom(ProtocolNames(names=clients))
    mounts = attributes.text(_MOUNTS)
    if mounts is not None:
        facts.smb1_client = bool(_SMB1_MOUNT.search(mounts))
    if not host.exists(_SAMBA_PROGRAM):
        facts.smb1_server = False
        return
    text = attributes.text(_SAMBA)
    if text is not None:
        settings = parse_samba(text)
        # smb.conf(5): SMB2_02 since Samba 4.11, and signing only when the other side asks.
        dialect = settings.get("server min protocol", settings.get("min protocol", "smb2_02"))
        facts.smb1_server = dialect in _OLD_DIALECTS
        facts.smb_server_signs = settings.get("server signing", "default") in ("mandatory", "required")


def _is_itself(host: Host, name: str, path: str) -> bool:
    """Return whether a client is there; Debian lets ssh stand in for rsh and rlogin."""
    stand_in = host.read_link(f"{_ALTERNATIVES}/{name}") or ""
    return not stand_in.endswith(("/ssh", "/slogin")) and host.exists(path)


PROBE = Probe(
    name="legacy_protocols",
    observe=observe,
    about="Anciens protocoles : SMBv1, LLMNR, NetBIOS, telnet.",
    reads=(
        *LISTENER_FILES, *UDP_LISTENER_FILES, *_CLIENTS.values(), *(f"{_ALTERNATIVES}/{name}" for name in _CLIENTS),
        *_WINDOWS_CLIENTS.values(), _SAMBA, _SAMBA_PROGRAM, _SNMPD, _MOUNTS,
    ),
    commands=("netstat",),
    registry=(
        _SERVER, _WORKSTATION, _WORKSTATION_POLICY, _SMB1_CLIENT, _REMOTE_REGISTRY, _COMMUNITIES, _DNS_POLICY,
        _DNS_CLIENT, rf"{_NETBT}\*", _WINRM_POLICY, _WINRM,
    ),
    cim=(
        "root/cimv2:Win32_OptionalFeature", "root/cimv2:Win32_NetworkAdapterConfiguration",
        ":".join(_CONNECTIONS), ":".join(_ENDPOINTS),
    ),
)  # fmt: skip
