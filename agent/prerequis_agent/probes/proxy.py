"""Observes how the machine reaches the Web: directly, by a proxy, by a script, or by what the network announces.

Never the address of the proxy, which may carry a password.
"""

import re

from prerequis.v1.exposure_pb2 import Proxy
from prerequis_agent.attributes import Attributes, fill
from prerequis_agent.dconf import DCONF_FILES, imposed_settings
from prerequis_agent.errors import NotPermitted, ParseError, Unsupported
from prerequis_agent.host import Host
from prerequis_agent.probe import Observation, Probe

_SETTINGS = r"Software\Microsoft\Windows\CurrentVersion\Internet Settings"
_POLICY = r"HKLM\SOFTWARE\Policies\Microsoft\Windows\CurrentVersion\Internet Settings"
_WINHTTP = rf"HKLM\{_SETTINGS}\Connections"
# The ninth byte of DefaultConnectionSettings and of WinHttpSettings: PROXY_TYPE_ flags of wininet.h.
_FLAGS_AT, _BY_PROXY, _BY_SCRIPT, _BY_DISCOVERY = 8, 2, 4, 8

_ENVIRONMENT = ("/etc/environment", "/etc/profile.d")
_VARIABLE = re.compile(r"^[ \t]*(?:export[ \t]+)?(?:https?|all)_proxy=[\"']?[^\s\"']", re.MULTILINE | re.IGNORECASE)
# A desktop keeps each user's own proxy where the agent does not read.
_DESKTOP = "/usr/share/glib-2.0/schemas/org.gnome.system.proxy.gschema.xml"
_MODE = "/system/proxy/mode"


def parse_flags(settings: bytes) -> int:
    """Return the PROXY_TYPE_ flags of a binary connection setting; raises ParseError when it is too short."""
    if len(settings) <= _FLAGS_AT:
        raise ParseError("Les réglages de connexion n'ont pas la forme attendue.")
    return settings[_FLAGS_AT]


def parse_scutil(text: str) -> Proxy:
    """Return what `scutil --proxy` says is in force; raises ParseError when it says nothing."""
    if "<dictionary>" not in text:
        raise ParseError("scutil ne dit rien du mandataire.")
    said = {name: value == "1" for name, value in re.findall(r"^\s*(\w+Enable)\s*:\s*(\d)\s*$", text, re.MULTILINE)}
    return Proxy(
        configured=any(said.get(f"{kind}Enable", False) for kind in ("HTTP", "HTTPS", "SOCKS")),
        automatic_script=said.get("ProxyAutoConfigEnable", False),
        automatic_discovery=said.get("ProxyAutoDiscoveryEnable", False),
    )


def observe(host: Host) -> Observation:
    """Return how the people signed on reach the Web, and programs without a user; raises Unsupported elsewhere."""
    attributes = Attributes(host)
    if host.platform == "darwin":
        return Observation(parse_scutil(host.run("scutil", "--proxy").stdout))
    facts = Proxy()
    if host.platform == "win32":
        _fill_from_windows(host, attributes, facts)
    elif host.platform == "linux":
        _fill_from_linux(host, attributes, facts)
    else:
        raise Unsupported("Le mandataire n'est pas relevé sur ce système.")
    return Observation(facts, attributes.detail(facts, {"configured": "mandataire"}))


def _fill_from_windows(host: Host, attributes: Attributes, facts: Proxy) -> None:
    machine_wide = attributes.dword(_POLICY, "ProxySettingsPerUser") == 0
    keys = [f"{hive}\\{_SETTINGS}" for hive in (["HKLM"] if machine_wide else attributes.hives())]
    enabled = [attributes.dword(key, "ProxyEnable", 0) for key in keys]
    scripts = [attributes.string(key, "AutoConfigURL", "") for key in keys]
    flags = [
        each
        for key in keys
        if (each := _flags(host, attributes, f"{key}\\Connections", "DefaultConnectionSettings")) is not None
    ]
    services = _flags(host, attributes, _WINHTTP, "WinHttpSettings") or 0
    fill(
        facts,
        configured=_one_of([*(None if value is None else value != 0 for value in enabled), bool(services & _BY_PROXY)]),
        automatic_script=_one_of(
            [
                *(None if value is None else value != "" for value in scripts),
                *(bool(each & _BY_SCRIPT) for each in flags),
            ]
        ),
        automatic_discovery=any(each & _BY_DISCOVERY for each in flags) if flags else None,
    )


def _one_of(values: list[bool | None]) -> bool | None:
    """Return whether one is true, None while none is and one is not known."""
    return True if True in values else None if None in values else False


def _flags(host: Host, attributes: Attributes, key: str, name: str) -> int | None:
    with attributes.part():
        try:
            value = host.registry_value(key, name)
        except NotPermitted:
            # The account of another person; the values beside it have told so.
            return None
        if isinstance(value, bytes):
            return parse_flags(value)
    return None


def _fill_from_linux(host: Host, attributes: Attributes, facts: Proxy) -> None:
    file, directory = _ENVIRONMENT
    texts = [
        attributes.text(file),
        *(attributes.text(f"{directory}/{name}") for name in attributes.names(directory) or []),
    ]
    by_variable = any(_VARIABLE.search(text) for text in texts if text)
    mode = imposed_settings(attributes).get(_MODE, "").strip("'")
    if by_variable or mode == "manual":
        facts.configured = True
    elif mode or not host.exists(_DESKTOP):
        facts.configured = False
    if mode:
        facts.automatic_script = mode == "auto"


PROBE = Probe(
    name="proxy",
    observe=observe,
    about="Accès au Web : mandataire configuré ou automatique ; jamais son adresse.",
    reads=(_ENVIRONMENT[0], f"{_ENVIRONMENT[1]}/*", _DESKTOP, *DCONF_FILES),
    commands=("scutil",),
    registry=(
        _POLICY, "HKU",
        *(f"{hive}\\{_SETTINGS}" for hive in ("HKLM", "HKCU", r"HKU\*")),
        *(f"{hive}\\{_SETTINGS}\\Connections" for hive in ("HKLM", "HKCU", r"HKU\*")),
    ),
)  # fmt: skip
