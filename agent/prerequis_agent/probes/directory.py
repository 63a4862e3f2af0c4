"""Observes who manages the machine: no one, a domain, Entra ID, a mobile-device management. Never their names."""

import re

from prerequis.v1.access_pb2 import Directory
from prerequis_agent.attributes import Attributes, fill
from prerequis_agent.errors import ParseError
from prerequis_agent.host import Host
from prerequis_agent.probe import Observation, Probe

_CLOUD = r"HKLM\SYSTEM\CurrentControlSet\Control\CloudDomainJoin\JoinInfo"
_ENROLMENTS = r"HKLM\SOFTWARE\Microsoft\Enrollments"
# NETSETUP_JOIN_STATUS (lmjoin.h).
_UNJOINED, _WORKGROUP, _DOMAIN = 1, 2, 3
_BOUND = "/Library/Preferences/OpenDirectory/Configurations/Active Directory"

_LABELS = {"join": "rattachement", "mobile_device_management": "gestion par MDM"}


def observe(host: Host) -> Observation:
    """Return who manages the machine; raises NotPermitted, Unsupported or ParseError when that is not known."""
    facts = Directory()
    attributes = Attributes(host)
    if host.platform == "win32":
        with attributes.part():
            fill(facts, join=_windows_join(host.win32().join_status(), attributes.subkeys(_CLOUD)))
        fill(facts, mobile_device_management=_enrolled(attributes))
        labels = _LABELS
    elif host.platform == "darwin":
        bound = attributes.names(_BOUND)
        if bound is not None or not host.exists(_BOUND):
            facts.join = Directory.DOMAIN if bound else Directory.WORKGROUP
        with attributes.part():
            facts.mobile_device_management = parse_enrolment(
                host.run("profiles", "status", "-type", "enrollment").stdout
            )
        labels = _LABELS
    else:
        fill(facts, join=_linux_join(host, attributes))
        # No registry of Linux tells who else manages it.
        labels = {"join": _LABELS["join"]}
    if facts == Directory():
        raise attributes.absence("son rattachement")
    return Observation(facts, attributes.detail(facts, labels))


def _windows_join(status: int, cloud: list[str] | None) -> Directory.Join.ValueType | None:
    if cloud is None:
        return None
    if status == _DOMAIN:
        return Directory.HYBRID if cloud else Directory.DOMAIN
    if cloud:
        return Directory.ENTRA
    return Directory.WORKGROUP if status in {_UNJOINED, _WORKGROUP} else None


def _enrolled(attributes: Attributes) -> bool | None:
    enrolments = attributes.subkeys(_ENROLMENTS)
    if enrolments is None:
        return None
    # Windows keeps empty enrolments of its own; one that counts names its provider and is in the state 1, enrolled.
    keys = [rf"{_ENROLMENTS}\{name}" for name in enrolments]
    return any(attributes.string(key, "ProviderID") and attributes.dword(key, "EnrollmentState") == 1 for key in keys)


def _linux_join(host: Host, attributes: Attributes) -> Directory.Join.ValueType | None:
    """Return the join that the sources of accounts show (nsswitch.conf(5))."""
    switch = attributes.text("/etc/nsswitch.conf") or ""
    line = re.search(r"^passwd:(.*)$", switch, re.MULTILINE)
    if not line:
        return None
    sources = set(line[1].split())
    if "himmelblau" in sources:
        return Directory.ENTRA
    if "winbind" in sources:
        return Directory.DOMAIN
    if "sss" in sources:
        # Red Hat names sss on every machine; without a configuration it gives no account.
        if not host.exists("/etc/sssd"):
            return Directory.WORKGROUP
        text = attributes.text("/etc/sssd/sssd.conf")
        if text is not None:
            joined = re.search(r"^\s*id_provider\s*=\s*(ad|ipa)\s*$", text, re.MULTILINE)
            return Directory.DOMAIN if joined else None
        # The configuration is root's; the machine's own Kerberos key, which a join makes, can be seen by all.
        if host.exists("/etc/krb5.keytab"):
            return Directory.DOMAIN
        return None if attributes.is_refused else Directory.WORKGROUP
    known = {"files", "compat", "systemd", "db", "altfiles", "mymachines", "myhostname"}
    return Directory.WORKGROUP if sources <= known else None


def parse_enrolment(answer: str) -> bool:
    """Return whether `profiles status` says that a management has enrolled the Mac."""
    line = re.search(r"^MDM enrollment:\s*(Yes|No)\b", answer, re.MULTILINE)
    if not line:
        raise ParseError("profiles ne dit pas si ce Mac est géré.")
    return line[1] == "Yes"


PROBE = Probe(
    name="directory",
    observe=observe,
    about="Rattachement à un annuaire (AD, Entra, aucun) et à une gestion de parc.",
    reads=("/etc/nsswitch.conf", "/etc/sssd/sssd.conf", "/etc/krb5.keytab", _BOUND),
    commands=("profiles",),
    registry=(_CLOUD, _ENROLMENTS, rf"{_ENROLMENTS}\*"),
    win32=("join_status",),
)
