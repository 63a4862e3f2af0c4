"""How the system is set to reach the Web: by the environment, by Windows for programs and services, by macOS."""

import re
import struct
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib import request

if TYPE_CHECKING:
    from prerequis_agent.host import Host

_ENVIRONMENT = "/etc/environment"
# pam_env(8): the value goes to the end of the line or to a comment.
_VARIABLE = re.compile(r"^[ \t]*(?:export[ \t]+)?(https?|all|no)_proxy=([^\n#]*)", re.MULTILINE | re.IGNORECASE)

_WINHTTP = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\Connections"
_BY_PROXY = 2
# Flags, then the length of the proxy's setting, which follows.
_HEAD = struct.Struct("<8xII")


def setting(host: "Host", name: str, scheme: str) -> str:
    """Return the proxy's setting for a host by `http` or `https`; empty: directly."""
    # The environment, else the account's settings on Windows and those of the system on macOS.
    proxies = request.getproxies()
    if proxies:
        return "" if request.proxy_bypass(name) else _of(proxies, scheme)
    if host.platform == "win32":
        # A service's account has no settings of its own; what `netsh winhttp` sets is for it.
        kept = host.registry_value(_WINHTTP, "WinHttpSettings")
        return parse_winhttp(kept, scheme) if isinstance(kept, bytes) else ""
    if host.platform == "linux":
        # What sessions are given at logon, a service of systemd is not.
        given = parse_environment(host.read_text(_ENVIRONMENT) or "")
        return "" if _is_excepted(name, given.get("no", "")) else _of(given, scheme)
    return ""


def _is_excepted(name: str, exceptions: str) -> bool:
    """Return whether `no_proxy` names a host, a domain above it, or everything."""
    excepted = [one.strip().lstrip(".").lower() for one in exceptions.split(",") if one.strip()]
    return any(one == "*" or f".{name.lower()}".endswith(f".{one}") for one in excepted)


def _of(proxies: Mapping[str, str], scheme: str) -> str:
    return proxies.get(scheme) or proxies.get("all", "")


def parse_environment(text: str) -> Mapping[str, str]:
    """Return the proxies that variables of a file set, by scheme, with those to do without under `no`."""
    found = {kind.lower(): value.strip().strip("\"'") for kind, value in _VARIABLE.findall(text)}
    return {kind: value for kind, value in found.items() if value}


def parse_winhttp(settings: bytes, scheme: str) -> str:
    """Return the proxy of `WinHttpSettings` for a scheme; empty where there is none or the form is another."""
    if len(settings) < _HEAD.size:
        return ""
    flags, length = _HEAD.unpack_from(settings)
    text = settings[_HEAD.size : _HEAD.size + length].decode("ascii", "replace")
    if not flags & _BY_PROXY:
        return ""
    by_scheme = dict(part.split("=", 1) for part in re.split(r"[; ]+", text) if "=" in part)
    return by_scheme.get(scheme, "") if by_scheme else text
