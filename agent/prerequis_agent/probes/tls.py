"""Observes which versions of TLS this machine's own library offers as a client, where something says so.

Windows: SCHANNEL, whose keys win over the system's default when they exist (Microsoft, "TLS registry settings").
Linux: OpenSSL's own configuration, and the crypto policy of the RHEL family.
"""

import re

from prerequis.v1.exposure_pb2 import Tls
from prerequis_agent.attributes import Attributes
from prerequis_agent.errors import Unsupported
from prerequis_agent.host import Host
from prerequis_agent.probe import Observation, Probe

_SCHANNEL = r"HKLM\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Protocols"
_OPENSSL = ("/etc/ssl/openssl.cnf", "/etc/pki/tls/openssl.cnf")
_POLICY = "/etc/crypto-policies/state/current"

# Fields of Tls, from the oldest version on, with the names that SCHANNEL and OpenSSL give them.
_VERSIONS = {
    "ssl3": ("SSL 3.0", "SSLv3"),
    "tls1_0": ("TLS 1.0", "TLSv1"),
    "tls1_1": ("TLS 1.1", "TLSv1.1"),
    "tls1_2": ("TLS 1.2", "TLSv1.2"),
    "tls1_3": ("TLS 1.3", "TLSv1.3"),
}
_NAMES = [openssl for _, openssl in _VERSIONS.values()]
# What update-crypto-policies(7) says of its own levels; a policy made on the spot says nothing.
_LEAST_OF_POLICY = {"LEGACY": "TLSv1", "DEFAULT": "TLSv1.2", "FUTURE": "TLSv1.2", "FIPS": "TLSv1.2"}


def parse_openssl(text: str) -> tuple[str | None, str | None]:
    """Return the least and the greatest version that an openssl.cnf lets clients use, None where it does not say.

    Only the section that `system_default` names counts (openssl-conf(5), "SSL Configuration").
    """
    sections: dict[str, dict[str, str]] = {}
    section = sections.setdefault("default", {})
    for line in text.splitlines():
        content = line.partition("#")[0].strip()
        if content.startswith("[") and content.endswith("]"):
            section = sections.setdefault(content[1:-1].strip(), {})
        elif "=" in content:
            name, _, value = content.partition("=")
            section[name.strip()] = value.strip()
    configuration = sections.get(sections["default"].get("openssl_conf", ""), {})
    modules = sections.get(configuration.get("ssl_conf", ""), {})
    settings = sections.get(modules.get("system_default", ""), {})
    # Some distributions qualify a setting by the protocol it is for: TLS.MinProtocol.
    bounds = (settings.get(name) or settings.get(f"TLS.{name}") for name in ("MinProtocol", "MaxProtocol"))
    least, greatest = (bound if bound in _NAMES else None for bound in bounds)
    return least, greatest


def observe(host: Host) -> Observation:
    """Return what is set, and leave unset what the system's default decides."""
    attributes = Attributes(host)
    facts = Tls()
    if host.platform == "win32":
        for field, (name, _) in _VERSIONS.items():
            offered = _offered_by_schannel(attributes, f"{_SCHANNEL}\\{name}\\Client")
            if offered is not None:
                setattr(facts, field, offered)
    elif host.platform == "linux":
        _fill_from_openssl(attributes, facts)
    else:
        raise Unsupported("Les versions de TLS de ce système ne se règlent pas.")
    detail = attributes.detail(facts, {})
    return Observation(facts, detail or ("" if facts.ByteSize() else "Rien n'est réglé : valeurs du système."))


def _offered_by_schannel(attributes: Attributes, key: str) -> bool | None:
    enabled = attributes.dword(key, "Enabled")
    off_by_default = attributes.dword(key, "DisabledByDefault")
    if enabled == 0 or off_by_default:
        return False
    # Anything but 0 enables; 0xFFFFFFFF is what older guides write.
    return True if enabled is not None or off_by_default == 0 else None


def _fill_from_openssl(attributes: Attributes, facts: Tls) -> None:
    configuration = next(filter(None, map(attributes.text, _OPENSSL)), None)
    least, greatest = parse_openssl(configuration) if configuration else (None, None)
    if least is None:
        policy = re.split(r"[:\s]", attributes.text(_POLICY) or "", maxsplit=1)[0]
        least = _LEAST_OF_POLICY.get(policy)
    for field, (_, name) in _VERSIONS.items():
        rank = _NAMES.index(name)
        if (least and rank < _NAMES.index(least)) or (greatest and rank > _NAMES.index(greatest)):
            setattr(facts, field, False)
        elif least and rank >= _NAMES.index("TLSv1.2"):
            # Older versions may still be refused by the security level; these are not.
            setattr(facts, field, True)


PROBE = Probe(
    name="tls",
    observe=observe,
    about="Versions de TLS que le système admet.",
    reads=(*_OPENSSL, _POLICY),
    registry=tuple(f"{_SCHANNEL}\\{name}\\Client" for name, _ in _VERSIONS.values()),
)
