"""Observes what is written down, and whether it leaves the machine: the journal's size and fate, the audit policy."""

import re

from prerequis.v1.exposure_pb2 import AuditSetting, Logging
from prerequis_agent.attributes import Attributes, fill
from prerequis_agent.errors import Unsupported
from prerequis_agent.host import Host
from prerequis_agent.probe import Observation, Probe

_POLICIES = r"HKLM\SOFTWARE\Policies\Microsoft\Windows"
_SECURITY_POLICY = rf"{_POLICIES}\EventLog\Security"
_SECURITY_LOG = r"HKLM\SYSTEM\CurrentControlSet\Services\EventLog\Security"
_FORWARDING = rf"{_POLICIES}\EventLog\EventForwarding\SubscriptionManager"
_SCRIPT_BLOCKS = rf"{_POLICIES}\PowerShell\ScriptBlockLogging"
_SERVICES = r"HKLM\SYSTEM\CurrentControlSet\Services"
# Services that send the journal elsewhere.
_FORWARDERS = ("WazuhSvc", "winlogbeat", "nxlog", "SplunkForwarder", "fluent-bit", "elastic agent", "rsyslog-agent")

_JOURNAL_SETTINGS = ("/etc/systemd/journald.conf", "/etc/systemd/journald.conf.d")
_JOURNAL, _SYSLOGS = "/var/log/journal", ("/var/log/syslog", "/var/log/messages")
_RSYSLOG = ("/etc/rsyslog.conf", "/etc/rsyslog.d")
_UPLOAD = "/etc/systemd/journal-upload.conf"
_AGENTS = ("/var/ossec/etc/ossec.conf", "/etc/filebeat/filebeat.yml", "/etc/fluent-bit/fluent-bit.conf")
_STORAGE = re.compile(r"^[ \t]*Storage[ \t]*=[ \t]*(\w+)[ \t]*$", re.MULTILINE)
# `*.* @host`, `*.* @@host` and the action omfwd of rsyslog.conf(5).
_REMOTE = re.compile(r"^[ \t]*[^#\s]+[ \t]+@{1,2}[\w\[(]|^[^#\n]*type\s*=\s*\"omfwd\"", re.MULTILINE)
_URL = re.compile(r"^[ \t]*URL[ \t]*=[ \t]*\S", re.MULTILINE)


def sends_elsewhere(text: str) -> bool:
    """Return whether an rsyslog configuration sends to another host."""
    return bool(_REMOTE.search(text))


def observe(host: Host) -> Observation:
    """Return what this system's journal keeps; `forwarded` knows the system's own means and the common agents.

    Raises NotPermitted or Unsupported when nothing tells.
    """
    attributes = Attributes(host)
    facts = Logging()
    if host.platform == "win32":
        _fill_from_windows(host, attributes, facts)
    elif host.platform == "linux":
        _fill_from_linux(host, attributes, facts)
    else:
        raise Unsupported("Les journaux de ce système ne sont pas relevés.")
    if facts == Logging():
        raise attributes.absence("ses journaux")
    return Observation(facts, attributes.detail(facts, {}))


def _fill_from_windows(host: Host, attributes: Attributes, facts: Logging) -> None:
    kilobytes = attributes.dword(_SECURITY_POLICY, "MaxSize")
    size = attributes.dword(_SECURITY_LOG, "MaxSize") if kilobytes is None else kilobytes * 1024
    subscription = attributes.string(_FORWARDING, "1")
    fill(
        facts,
        security_log_bytes=size,
        # Script blocks are written down by policy only (Microsoft, about_Logging_Windows).
        script_blocks=None
        if (value := attributes.dword(_SCRIPT_BLOCKS, "EnableScriptBlockLogging", 0)) is None
        else value == 1,
        forwarded=bool(subscription)
        or any(attributes.dword(f"{_SERVICES}\\{name}", "Start") is not None for name in _FORWARDERS),
    )
    with attributes.part():
        policy = host.win32().audit_policy()
        facts.audit.settings.extend(
            AuditSetting(subcategory=guid.strip("{}").lower(), setting=setting)
            for guid, setting in sorted(policy.items())
        )


def _fill_from_linux(host: Host, attributes: Attributes, facts: Logging) -> None:
    settings = _texts(attributes, _JOURNAL_SETTINGS)
    if settings is not None:
        stored = [storage for text in settings for storage in _STORAGE.findall(text)]
        # journald.conf(5): `auto`, the default, keeps the journal when the directory is there.
        storage = stored[-1] if stored else "auto"
        facts.persistent = storage == "persistent" or (storage == "auto" and host.exists(_JOURNAL))
    rsyslog = _texts(attributes, _RSYSLOG)
    if rsyslog is not None and any(host.exists(path) for path in _SYSLOGS):
        facts.persistent = True
    facts.forwarded = (
        any(map(sends_elsewhere, rsyslog or []))
        or bool(_URL.search(attributes.text(_UPLOAD) or ""))
        or any(host.exists(path) for path in _AGENTS)
    )


def _texts(attributes: Attributes, places: tuple[str, str]) -> list[str] | None:
    """Return the texts of a file and of the files of its directory, or None when there is no such file."""
    file, directory = places
    first = attributes.text(file)
    if first is None:
        return None
    return [first, *(attributes.text(f"{directory}/{name}") or "" for name in attributes.names(directory) or [])]


PROBE = Probe(
    name="logging",
    observe=observe,
    about="Journaux de sécurité : taille, durée, envoi vers un serveur, politique d'audit.",
    administrator="la politique d'audit (Windows)",
    reads=(
        *(path for file, directory in (_JOURNAL_SETTINGS, _RSYSLOG) for path in (file, f"{directory}/*")),
        _JOURNAL, *_SYSLOGS, _UPLOAD, *_AGENTS,
    ),
    registry=(
        _SECURITY_POLICY, _SECURITY_LOG, _FORWARDING, _SCRIPT_BLOCKS, *(f"{_SERVICES}\\{name}" for name in _FORWARDERS)
    ),
    win32=("audit_policy",),
)  # fmt: skip
