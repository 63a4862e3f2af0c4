"""Observes the OpenSSH server: whether it answers, and what it accepts. Never a key or an account."""

import re

from prerequis.v1.access_pb2 import Ssh
from prerequis_agent.attributes import Attributes
from prerequis_agent.errors import ParseError
from prerequis_agent.host import Host
from prerequis_agent.launchd import enabled_services
from prerequis_agent.listeners import LISTENER_FILES, listened_ports
from prerequis_agent.probe import Observation, Probe

_CONFIGURATION = "/etc/ssh/sshd_config"
_SERVER = "/usr/sbin/sshd"
_PORT = 22
_DEEPEST = 4
# What sshd still takes for the name of today (servconf.c).
_FORMER_NAMES = {
    "challengeresponseauthentication": "kbdinteractiveauthentication",
    "skeyauthentication": "kbdinteractiveauthentication",
}

_LABELS = {"running": "serveur SSH"}
_SERVER_LABELS = _LABELS | {"root_login": "connexion de root", "passwords": "mots de passe"}


def observe(host: Host) -> Observation:
    """Return what the server accepts; raises NotPermitted or Unsupported when nothing is known."""
    facts = Ssh()
    attributes = Attributes(host)
    if host.platform == "win32":
        _fill_from_windows(host, attributes, facts)
    elif host.platform == "darwin":
        # A service that nobody ever switched is not listed, and is off.
        facts.running = enabled_services(host).get("com.openssh.sshd", False)
        _fill_from_configuration(host, attributes, facts)
    elif not host.exists(_SERVER):
        facts.running = False
    else:
        directives = _fill_from_configuration(host, attributes, facts)
        ports = listened_ports(attributes)
        # With socket activation the listener is systemd's, which is an SSH server all the same.
        if directives is not None and ports is not None:
            facts.running = bool(ports & {int(port) for port in directives.get("port", ["22"]) if port.isdecimal()})
        elif ports and _PORT in ports:
            # The files that may name another port are hidden.
            facts.running = True
    if facts == Ssh():
        raise attributes.absence("son serveur SSH")
    labels = _SERVER_LABELS if facts.running else _LABELS
    if host.platform == "win32":
        labels = {field: label for field, label in labels.items() if field != "root_login"}
    return Observation(facts, attributes.detail(facts, labels))


def _fill_from_windows(host: Host, attributes: Attributes, facts: Ssh) -> None:
    service = host.win32().service("sshd")
    facts.running = service is not None and service.state == 4
    if facts.running:
        with attributes.part():
            text = host.read_text(r"C:\ProgramData\ssh\sshd_config")
            if text is None:
                raise ParseError("La configuration du serveur SSH de Windows est absente.")
            # On Windows no account is root; administrators sign in like the others.
            facts.passwords = accepts_passwords(parse_directives(text))


def _fill_from_configuration(host: Host, attributes: Attributes, facts: Ssh) -> dict[str, list[str]] | None:
    """Fill what the files say and return their directives, or None when they cannot be read."""
    with attributes.part():
        directives = parse_directives(_expanded(host, _CONFIGURATION, _DEEPEST))
        # sshd_config(5): by default root signs in with a key.
        by_root = _in_effect(directives, "permitrootlogin", "prohibit-password")
        facts.root_login = any(value != "no" for value in by_root)
        facts.passwords = accepts_passwords(directives)
        return directives
    return None


def parse_directives(text: str) -> dict[str, list[str]]:
    """Return the values of each directive in lower case: the first, which wins, then those of `Match` blocks.

    A Match block holds for some connections only; what it allows is allowed to someone.
    """
    found: dict[str, list[str]] = {}
    matched: dict[str, list[str]] = {}
    place = found
    for line in text.splitlines():
        directive = re.match(r"\s*([A-Za-z]+)(?:\s*=\s*|\s+)\"?([^\s\"#]+)", line)
        if not directive:
            continue
        name, value = directive[1].lower(), directive[2].lower()
        name = _FORMER_NAMES.get(name, name)
        if name == "match":
            place = found if value == "all" else matched
        elif place is matched or name == "port" or name not in found:
            place.setdefault(name, []).append(value)
    return {name: found.get(name, []) + matched.get(name, []) for name in found | matched} | {
        f"match {name}": values for name, values in matched.items() if name not in found
    }


def accepts_passwords(directives: dict[str, list[str]]) -> bool:
    """Return whether someone may sign in by a password, asked by SSH itself or through PAM (sshd_config(5))."""
    asked = _in_effect(directives, "passwordauthentication", "yes")
    by_pam = _in_effect(directives, "kbdinteractiveauthentication", "yes")
    return "yes" in asked or ("yes" in by_pam and "yes" in _in_effect(directives, "usepam", "no"))


def _in_effect(directives: dict[str, list[str]], name: str, default: str) -> list[str]:
    """Return the values that hold for someone: the default too where only a Match block speaks."""
    values = directives.get(name, [])
    return [default, *values] if not values or f"match {name}" in directives else values


def _expanded(host: Host, path: str, depth: int) -> str:
    """Return a file with those that it includes in their place; `Include` takes patterns in the last component."""
    lines = []
    for line in (host.read_text(path) or "").splitlines():
        include = re.match(r"\s*Include\s+(.+)$", line, re.IGNORECASE)
        if not include or not depth:
            lines.append(line)
            continue
        for pattern in include[1].split():
            place = pattern if pattern.startswith("/") else f"/etc/ssh/{pattern}"
            directory, _, name = place.rpartition("/")
            expression = re.escape(name).replace(r"\*", ".*").replace(r"\?", ".")
            lines += [
                _expanded(host, f"{directory}/{found}", depth - 1)
                for found in host.list_dir(directory)
                if re.fullmatch(expression, found)
            ]
    return "\n".join(lines)


PROBE = Probe(
    name="ssh",
    observe=observe,
    about="Serveur SSH : en marche, connexion de root, mots de passe admis.",
    administrator="la configuration du serveur, quand elle est réservée à root",
    reads=(_SERVER, _CONFIGURATION, "/etc/ssh/sshd_config.d/*", r"C:\ProgramData\ssh\sshd_config", *LISTENER_FILES),
    commands=("launchctl",),
    win32=("service",),
)
