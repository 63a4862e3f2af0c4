"""Which machine makes a report, and which of its reports it is: what tells a copied installation from its original.

The operating system's machine id never leaves: only a digest over it and the agent's id does, which says nothing to
whoever does not know both, and cannot be compared with that of another agent.
"""

import hashlib
import re

from prerequis.os_errors import why
from prerequis.v1.report_pb2 import Report
from prerequis_agent import durable
from prerequis_agent.config import State
from prerequis_agent.errors import ConfigurationError, ProbeError
from prerequis_agent.host import Host

# machine-id(5) of systemd, and where D-Bus kept it before.
_LINUX = ("/etc/machine-id", "/var/lib/dbus/machine-id")
_LINUX_FORM = re.compile(r"[0-9a-f]{32}", re.ASCII)
# Made when Windows is installed; Sysprep makes a new one.
_WINDOWS = r"HKLM\SOFTWARE\Microsoft\Cryptography"
_MACOS = ("ioreg", "-a", "-r", "-d", "1", "-c", "IOPlatformExpertDevice")

DIGEST_BYTES = 8


def machine(host: Host, agent_id: str) -> bytes | None:
    """Return what tells this machine from others with the same agent id, or None where the system does not say."""
    try:
        told = {"linux": _linux, "win32": _windows, "darwin": _macos}[host.platform](host)
    except (KeyError, ProbeError):
        return None
    return hashlib.sha256(f"{agent_id}\n{told}".encode()).digest()[:DIGEST_BYTES] if told else None


def number(state: State, report: Report) -> None:
    """Give a report that is about to be signed the number after the last; raises ConfigurationError.

    The number is on the disk before it is used, so that no power cut has it used twice.
    """
    report.origin.number = max(_last(state), _acknowledged(state)) + 1
    try:
        durable.write(state.number, f"{report.origin.number}\n".encode())
    except OSError as problem:
        raise ConfigurationError(
            f"Le rapport ne peut pas être gardé dans {state.directory} ({why(problem)}) : faire de la place ou donner "
            "le droit d'écrire, puis relancer."
        ) from None


def _last(state: State) -> int:
    try:
        return int(state.number.read_text())
    except (OSError, ValueError):
        return 0


def _acknowledged(state: State) -> int:
    """Return the number of the last report that the collector took: what is left where the file was lost."""
    from prerequis_agent.unchanged import acknowledged

    kept = acknowledged(state)
    return kept.origin.number if kept else 0


def _linux(host: Host) -> str | None:
    for path in _LINUX:
        found = (host.read_text(path) or "").strip()
        # An image not yet started says "uninitialized" or nothing.
        if _LINUX_FORM.fullmatch(found):
            return found
    return None


def _windows(host: Host) -> str | None:
    found = host.registry_value(_WINDOWS, "MachineGuid")
    return found if isinstance(found, str) else None


def _macos(host: Host) -> str | None:
    from prerequis_agent.plists import run_plist

    told = run_plist(host, *_MACOS)
    first = told[0] if isinstance(told, list) and told else None
    found = first.get("IOPlatformUUID") if isinstance(first, dict) else None
    return found if isinstance(found, str) else None
