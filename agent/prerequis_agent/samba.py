"""Reads what Samba offers: smb.conf(5) and the shares that users made themselves (net usershare)."""

import re
from dataclasses import dataclass

from prerequis_agent.host import Host

SAMBA_FILES = ("/etc/samba/smb.conf", "/var/lib/samba/usershares/*", "/run/samba/smbd.pid")
"""What is read; the users' own shares are for their group and root."""

_USERS = "/var/lib/samba/usershares"
# Sections that are not folders of this machine: defaults, each user's own home, printers.
_NOT_SHARES = frozenset({"global", "homes", "printers", "print$"})
_YES = frozenset({"yes", "true", "1", "on"})


@dataclass(frozen=True, slots=True)
class Share:
    """A folder that is offered."""

    to_guests: bool
    writable_by_everyone: bool


def offered_folders(host: Host) -> list[Share]:
    """Return the folders that a running Samba offers; raises NotPermitted when users' own shares are hidden."""
    if not host.exists("/run/samba/smbd.pid"):
        return []
    shares = parse_configuration(host.read_text("/etc/samba/smb.conf") or "")
    return shares + [parse_usershare(host.read_text(f"{_USERS}/{name}") or "") for name in host.list_dir(_USERS)]


def parse_configuration(text: str) -> list[Share]:
    """Return the shares of smb.conf; case and spaces in names do not count, and some names have several forms."""
    sections: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for line in text.replace("\\\n", "").splitlines():
        header = re.match(r"\s*\[([^\]]+)\]", line)
        setting = re.match(r"\s*([^#;=\s][^=]*)=(.*)$", line)
        if header:
            current = sections.setdefault(header[1].strip().lower(), {})
        elif setting:
            current[re.sub(r"\s", "", setting[1]).lower()] = setting[2].strip().lower()
    defaults = sections.get("global", {})
    return [
        _share(defaults | settings)
        for name, settings in sections.items()
        if name not in _NOT_SHARES and settings.get("available", "yes") in _YES
    ]


def _share(settings: dict[str, str]) -> Share:
    guests = bool({settings.get("guestok"), settings.get("public")} & _YES)
    writable = bool({settings.get("writeable"), settings.get("writable"), settings.get("writeok")} & _YES)
    writable = writable or settings.get("readonly", "yes") not in _YES
    return Share(guests, guests and writable)


def parse_usershare(text: str) -> Share:
    """Return a share of net usershare: S-1-1-0 is Everyone, F full, R read, D denied."""
    guests = bool(re.search(r"^guest_ok=y", text, re.MULTILINE | re.IGNORECASE))
    return Share(guests, bool(re.search(r"^usershare_acl=.*S-1-1-0:[Ff]", text, re.MULTILINE)))
