"""Reads what an administrator sets for every GNOME session, from the text that the dconf databases are made of.

A setting of `/etc/dconf/db/<name>.d/` holds for everyone when a file of its `locks/` names it; otherwise it is a
default that each user may change in a database of the user's own (`gvdb.py`).
"""

import re

from prerequis_agent.attributes import Attributes

DCONF_FILES = (
    "/etc/dconf/profile/user",
    "/etc/dconf/db/*.d/*",
    "/etc/dconf/db/*.d/locks/*",
)
"""What is read; everyone may."""


def imposed_settings(attributes: Attributes) -> dict[str, str]:
    """Return the settings that are locked, as GVariant text by path: `/org/gnome/desktop/session/idle-delay`."""
    return administrator_settings(attributes)[0]


def administrator_settings(attributes: Attributes) -> tuple[dict[str, str], dict[str, str]]:
    """Return the settings that are locked, and those that are defaults only."""
    profile = attributes.text("/etc/dconf/profile/user") or ""
    names = [line.removeprefix("system-db:").strip() for line in profile.splitlines() if line.startswith("system-db:")]
    settings: dict[str, str] = {}
    locks: set[str] = set()
    # The first database of the profile that has a setting wins.
    for name in reversed(names):
        base = f"/etc/dconf/db/{name}.d"
        for file in attributes.names(base) or []:
            if file != "locks":
                settings |= parse_keyfile(attributes.text(f"{base}/{file}") or "")
        for file in attributes.names(f"{base}/locks") or []:
            lines = (attributes.text(f"{base}/locks/{file}") or "").splitlines()
            locks |= {line.strip() for line in lines if line.startswith("/")}
    locked = {path: value for path, value in settings.items() if path in locks}
    return locked, {path: value for path, value in settings.items() if path not in locks}


def parse_keyfile(text: str) -> dict[str, str]:
    """Return the values of a key file by path."""
    values: dict[str, str] = {}
    section = ""
    for line in text.splitlines():
        header = re.fullmatch(r"\s*\[([^\]]+)\]\s*", line)
        setting = re.match(r"\s*([^#\s=][^=]*?)\s*=\s*(.*?)\s*$", line)
        if header:
            section = header[1]
        elif setting and section:
            values[f"/{section}/{setting[1]}"] = setting[2]
    return values


def seconds(value: str | None) -> int | None:
    """Return a GVariant number such as `uint32 300` or `300`."""
    digits = (value or "").rpartition(" ")[2]
    return int(digits) if digits.isdecimal() else None


def truth(value: str | None) -> bool | None:
    """Return a GVariant boolean."""
    return {"true": True, "false": False}.get(value or "")
