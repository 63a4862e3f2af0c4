"""Tells when a Linux desktop locks the session of the person at the screen: what is imposed, then what was chosen."""

from dataclasses import dataclass

from prerequis_agent.attributes import Attributes
from prerequis_agent.dconf import DCONF_FILES, administrator_settings, parse_keyfile, seconds, truth
from prerequis_agent.gvdb import parse_gvdb
from prerequis_agent.seat import SEAT_FILES, Session
from prerequis_agent.unix_accounts import parse_passwd

_IDLE = "/org/gnome/desktop/session/idle-delay"
_LOCK = "/org/gnome/desktop/screensaver/lock-enabled"
_WAIT = "/org/gnome/desktop/screensaver/lock-delay"
_PATHS = frozenset({_IDLE, _LOCK, _WAIT})
# The defaults of gsettings-desktop-schemas, which a distribution may override.
_GNOME_DEFAULTS = {_IDLE: "uint32 300", _LOCK: "true", _WAIT: "uint32 0"}
_SCHEMAS = "/usr/share/glib-2.0/schemas"
_GNOME, _KDE = ("gnome", "ubuntu"), ("kde", "plasma")
# kscreenlocker: locks after five minutes by default; LockGrace, some seconds more, is passed over.
_AUTOMATIC, _MINUTES, _DEFAULT_MINUTES = "/Daemon/Autolock", "/Daemon/Timeout", "5"
_IMMUTABLE = "[$i]"

_DCONF_OF_USER, _KDE_OF_USER = ".config/dconf/user", ".config/kscreenlockerrc"
_KDE_OF_ALL = "/etc/xdg/kscreenlockerrc"

DESKTOP_LOCK_FILES = (
    *DCONF_FILES,
    *SEAT_FILES,
    "/etc/passwd",
    f"{_SCHEMAS}/*.gschema.override",
    _KDE_OF_ALL,
    f"/home/*/{_DCONF_OF_USER}",
    f"/home/*/{_KDE_OF_USER}",
)
"""What is read; of a user's own files, the three settings of the lock alone are looked at."""


@dataclass(frozen=True, slots=True)
class Lock:
    """When a session locks; `delay_seconds` is None where it never does, or where that is not known."""

    enabled: bool
    delay_seconds: int | None = None
    asks_password: bool | None = None
    imposed: bool = False


def lock_of(attributes: Attributes, session: Session | None) -> Lock | None:
    """Return the lock of a session, or what is imposed where nobody is at the screen; None when it is not known."""
    desktop = (session.desktop if session else "").lower()
    home = _home(attributes, session) if session else None
    if desktop.startswith(_KDE):
        return _of_kde(attributes, home)
    return _of_gnome(attributes, home if desktop.startswith(_GNOME) else None)


def _home(attributes: Attributes, session: Session) -> str | None:
    """Return the person's folder when it lies where desktops put it; an account of a directory has its own place."""
    homes = {account.name: account.home for account in parse_passwd(attributes.text("/etc/passwd") or "")}
    home = homes.get(session.user, "")
    return home if home.startswith("/home/") and home.count("/") == 2 else None


def _of_gnome(attributes: Attributes, home: str | None) -> Lock | None:
    imposed, defaults = administrator_settings(attributes)
    settings = imposed
    if home:
        refused = attributes.is_refused
        chosen = _chosen(attributes, home)
        if refused or not attributes.is_refused:
            settings = _GNOME_DEFAULTS | _overrides(attributes) | defaults | chosen | imposed
    idle, lock, wait = seconds(settings.get(_IDLE)), truth(settings.get(_LOCK)), seconds(settings.get(_WAIT))
    if idle is None:
        return None
    # GNOME's schema: 0 seconds never is idle.
    if idle == 0:
        return Lock(enabled=False, imposed=_IDLE in imposed)
    return Lock(True, None if wait is None else idle + wait, lock, _IDLE in imposed)


def _chosen(attributes: Attributes, home: str) -> dict[str, str]:
    """Return what the person chose; a refusal is kept by `attributes`."""
    content = attributes.content(f"{home}/{_DCONF_OF_USER}")
    return parse_gvdb(content, _PATHS) if content else {}


def _overrides(attributes: Attributes) -> dict[str, str]:
    """Return the defaults that the distribution puts in the place of GNOME's (glib-compile-schemas(1))."""
    found: dict[str, str] = {}
    for name in attributes.names(_SCHEMAS) or []:
        if name.endswith(".gschema.override"):
            for path, value in parse_keyfile(attributes.text(f"{_SCHEMAS}/{name}") or "").items():
                # A section names a schema, and perhaps after a colon the desktop that it holds for.
                section, _, key = path[1:].rpartition("/")
                found[f"/{section.partition(':')[0].replace('.', '/')}/{key}"] = value
    return {path: value for path, value in found.items() if path in _PATHS}


def _of_kde(attributes: Attributes, home: str | None) -> Lock | None:
    if home is None:
        return None
    refused = attributes.is_refused
    texts = [attributes.text(_KDE_OF_ALL), attributes.text(f"{home}/{_KDE_OF_USER}")]
    if attributes.is_refused and not refused:
        return None
    values: dict[str, str] = {}
    imposed: set[str] = set()
    for text in texts:
        for key, value in parse_keyfile(text or "").items():
            name = key.removesuffix(_IMMUTABLE)
            if name not in imposed:
                values[name] = value
                imposed |= {name} if key.endswith(_IMMUTABLE) else set()
    minutes = values.get(_MINUTES, _DEFAULT_MINUTES)
    is_imposed = _AUTOMATIC in imposed
    if values.get(_AUTOMATIC, "true").lower() == "false" or minutes == "0":
        return Lock(enabled=False, imposed=is_imposed)
    delay = int(minutes) * 60 if minutes.isdecimal() else None
    return Lock(True, delay, True, is_imposed and _MINUTES in imposed)
