"""Observes what policy imposes on the browsers that are installed. Never what they store."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prerequis.v1.exposure_pb2 import Browsers
from prerequis_agent.attributes import Attributes, fill
from prerequis_agent.errors import ParseError, Unsupported
from prerequis_agent.host import Host
from prerequis_agent.plists import parse_settings
from prerequis_agent.probe import Observation, Probe

_APP_PATHS = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\App Paths"
_MANAGED = "/Library/Managed Preferences"


@dataclass(frozen=True, slots=True)
class Browser:
    """One browser: how it is recognised, and where its policies are, on each system."""

    program: str
    """Its key below App Paths."""
    policy: str
    """Its key below Software\\Policies."""
    bundle: str
    preferences: str
    files: tuple[str, ...]
    """Programs of Linux."""
    policies: tuple[str, ...]
    """Directories of JSON files, or one such file, on Linux."""


_CHROME = Browser(
    "chrome.exe", r"Google\Chrome", "/Applications/Google Chrome.app", "com.google.Chrome",
    ("/opt/google/chrome/chrome", "/usr/bin/chromium", "/usr/bin/chromium-browser", "/snap/bin/chromium"),
    ("/etc/opt/chrome/policies/managed", "/etc/chromium/policies/managed"),
)  # fmt: skip
_EDGE = Browser(
    "msedge.exe", r"Microsoft\Edge", "/Applications/Microsoft Edge.app", "com.microsoft.Edge",
    ("/opt/microsoft/msedge/msedge",), ("/etc/opt/edge/policies/managed",),
)  # fmt: skip
_FIREFOX = Browser(
    "firefox.exe", r"Mozilla\Firefox", "/Applications/Firefox.app", "org.mozilla.firefox",
    ("/usr/bin/firefox", "/usr/bin/firefox-esr", "/snap/bin/firefox"),
    ("/etc/firefox/policies/policies.json", "/usr/lib/firefox/distribution/policies.json"),
)  # fmt: skip
_BROWSERS = (_CHROME, _EDGE, _FIREFOX)
_SWITCHES = ("PasswordManagerEnabled", "OfferToSaveLogins", "SmartScreenEnabled")


@dataclass(frozen=True, slots=True)
class Policy:
    """What is imposed on one browser; None is left to the user."""

    saves_passwords: bool | None
    extensions_blocked: bool
    smartscreen: bool | None


def policy_of(settings: Mapping[str, object]) -> Policy:
    """Return what settings impose, under the names that Chrome, Edge and Firefox give them."""
    switches = [settings.get(name) for name in ("PasswordManagerEnabled", "OfferToSaveLogins")]
    given = [bool(switch) for switch in switches if isinstance(switch, bool | int)]
    blocked = settings.get("ExtensionInstallBlocklist")
    firefox = settings.get("ExtensionSettings")
    others = firefox.get("*") if isinstance(firefox, Mapping) else None
    smartscreen = settings.get("SmartScreenEnabled")
    return Policy(
        saves_passwords=all(given) if given else None,
        extensions_blocked=(isinstance(blocked, list) and "*" in blocked)
        or (isinstance(others, Mapping) and others.get("installation_mode") == "blocked"),
        smartscreen=bool(smartscreen) if isinstance(smartscreen, bool | int) else None,
    )


def parse_policies(text: str) -> dict[str, object]:
    """Return the settings of a JSON file of policies; raises ParseError when it is not one."""
    try:
        settings = json.loads(text)
        # Firefox puts them one level down.
        inner = settings.get("policies", settings)
        return {str(name): value for name, value in inner.items()}
    except (ValueError, AttributeError, RecursionError):
        raise ParseError("Un fichier de stratégie de navigateur n'a pas la forme attendue.") from None


def observe(host: Host) -> Observation:
    """Return what holds for every installed browser; raises Unsupported when there is none."""
    attributes = Attributes(host)
    installed = [browser for browser in _BROWSERS if _is_installed(host, attributes, browser)]
    if not installed:
        raise attributes.absence("de navigateur connu de l'agent")
    facts = Browsers()
    with attributes.part():
        policies = {browser: policy_of(_settings(host, attributes, browser)) for browser in installed}
        fill(
            facts,
            # Where nothing is imposed users may save passwords (documentation of PasswordManagerEnabled, all three).
            saves_passwords=any(policy.saves_passwords is not False for policy in policies.values()),
            extensions_restricted=all(policy.extensions_blocked for policy in policies.values()),
            smartscreen=policies[_EDGE].smartscreen if _EDGE in policies else None,
        )
    return Observation(facts, attributes.detail(facts, {}))


def _is_installed(host: Host, attributes: Attributes, browser: Browser) -> bool:
    if host.platform == "win32":
        return attributes.string(f"{_APP_PATHS}\\{browser.program}", "") is not None
    if host.platform == "darwin":
        return host.exists(browser.bundle)
    if host.platform == "linux":
        return any(host.exists(file) for file in browser.files)
    raise Unsupported("Les navigateurs ne sont pas relevés sur ce système.")


def _settings(host: Host, attributes: Attributes, browser: Browser) -> Mapping[str, object]:
    if host.platform == "win32":
        return dict(_from_registry(attributes, f"HKLM\\Software\\Policies\\{browser.policy}"))
    if host.platform == "darwin":
        content = host.read_bytes(f"{_MANAGED}/{browser.preferences}.plist")
        return parse_settings(content) if content is not None else {}
    settings: dict[str, object] = {}
    for place in browser.policies:
        names = [place] if place.endswith(".json") else [f"{place}/{name}" for name in attributes.names(place) or []]
        for name in names:
            text = attributes.text(name)
            settings |= parse_policies(text) if text else {}
    return settings


def _from_registry(attributes: Attributes, key: str) -> Iterator[tuple[str, object]]:
    for name in _SWITCHES:
        value = attributes.dword(key, name)
        if value is not None:
            yield name, value
    # A list is a key whose values are named 1, 2 and so on; * alone forbids every extension.
    if attributes.string(f"{key}\\ExtensionInstallBlocklist", "1") == "*":
        yield "ExtensionInstallBlocklist", ["*"]
    settings = attributes.string(key, "ExtensionSettings")
    if settings:
        yield "ExtensionSettings", parse_policies(settings)


PROBE = Probe(
    name="browsers",
    observe=observe,
    about="Navigateurs d'une liste fermée, leur version et les réglages imposés.",
    reads=(
        *(file for browser in _BROWSERS for file in browser.files),
        *(browser.bundle for browser in _BROWSERS),
        *(f"{_MANAGED}/{browser.preferences}.plist" for browser in _BROWSERS),
        *(place + ("" if place.endswith(".json") else "/*") for browser in _BROWSERS for place in browser.policies),
    ),
    registry=(
        *(f"{_APP_PATHS}\\{browser.program}" for browser in _BROWSERS),
        *(f"HKLM\\Software\\Policies\\{browser.policy}" for browser in _BROWSERS),
        *(f"HKLM\\Software\\Policies\\{browser.policy}\\ExtensionInstallBlocklist" for browser in _BROWSERS),
    ),
)
