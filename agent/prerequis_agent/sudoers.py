"""Reads what sudo grants, from /etc/sudoers and the files that it includes (sudoers(5)).

Only who may run everything as root is kept: a user allowed one command is no administrator.
"""

import re
from dataclasses import dataclass

from prerequis_agent.host import Host

SUDOERS_FILES = ("/etc/sudoers", "/etc/sudoers.d/*")
"""What is read; root alone may."""

_INCLUDE = re.compile(r"^[@#]include(dir)?\s+(\S+)\s*$")
_ALIAS = re.compile(r"^(User|Runas|Host|Cmnd|Cmd)_Alias\b(.*)$")
_GRANT = re.compile(r"^(?P<who>[^=]+?)\s+(?P<hosts>\S+(?:\s*,\s*\S+)*)\s*=(?P<what>.*)$")
_RUN_AS = re.compile(r"\(([^)]*)\)")
# `NOPASSWD:` and the like; `CWD=/tmp` and the like.
_TAG_OR_OPTION = re.compile(r"\b[A-Z_]+\s*:|\b[A-Z_]+\s*=\s*\S+")
_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Grant:
    """Someone may run everything as root."""

    who: str
    """A name, `%group`, `#uid` or ALL."""
    without_password: bool


@dataclass(frozen=True, slots=True)
class Sudoers:
    """What the files say together."""

    grants: tuple[Grant, ...]
    asks_target_password: bool
    """The password asked is root's (targetpw, rootpw): to be named here opens nothing by itself."""


def read_sudoers(host: Host) -> Sudoers | None:
    """Return what sudo grants, or None when there is no sudo; raises NotPermitted to all but root."""
    if not host.exists("/etc/sudoers"):
        return None
    return parse_sudoers(_lines(host, "/etc/sudoers", _DEEPEST))


def parse_sudoers(lines: list[str]) -> Sudoers:
    """Return the grants of lines that are whole, without comments or inclusions."""
    aliases: dict[str, list[str]] = {}
    grants: list[Grant] = []
    target = authenticate = False
    for line in lines:
        alias = _ALIAS.match(line)
        if alias:
            for definition in alias[2].split(":"):
                name, _, members = definition.partition("=")
                aliases[name.strip()] = [member.strip() for member in members.split(",")]
        elif re.match(r"Defaults[@:!>\s]", line):
            target = target or bool(re.search(r"(?<!!)\b(targetpw|rootpw)\b", line))
            authenticate = authenticate or bool(re.match(r"Defaults\s.*!\s*authenticate\b", line))
        elif grant := _GRANT.match(line):
            grants += [Grant(who.strip().strip('"'), free) for free in _whole(grant["what"], aliases)
                       for who in grant["who"].split(",")]  # fmt: skip
    named = [Grant(who, grant.without_password or authenticate)
             for grant in grants for who in aliases.get(grant.who, [grant.who])]  # fmt: skip
    return Sudoers(tuple(named), target)


def _whole(what: str, aliases: dict[str, list[str]]) -> list[bool]:
    """Return, for each place where a grant gives every command as root, whether it asks no password."""
    found = []
    free = False
    as_root = True
    # `ALL = (user) cmd, cmd : HOST = cmd`: tags and users hold for the commands that follow.
    for command in re.split(r",(?![^(]*\))|:\s*\S+\s*=", what):
        run_as = _RUN_AS.search(command)
        if run_as:
            # `(:group)` changes the group alone, and the account stays what it is.
            users = set(re.split(r"[,\s]+", run_as[1].partition(":")[0].strip()))
            as_root = bool({"ALL", "root", "#0"} & users) and not {"!root", "!#0"} & users
        tags = re.findall(r"\b([A-Z_]+)\s*:", _RUN_AS.sub("", command))
        free = "NOPASSWD" in tags or (free and "PASSWD" not in tags)
        name = _TAG_OR_OPTION.sub("", _RUN_AS.sub("", command)).strip()
        if as_root and "ALL" in aliases.get(name, [name]):
            found.append(free)
    return found


def _lines(host: Host, path: str, depth: int) -> list[str]:
    text = (host.read_text(path) or "").replace("\\\n", " ")
    lines: list[str] = []
    for raw in text.splitlines():
        include = _INCLUDE.match(raw.strip())
        # `#1000` names an account; any other `#` begins a comment.
        line = re.sub(r"#(?![0-9]).*$", "", raw).strip()
        if include and depth:
            for file in _included(host, include, path):
                lines += _lines(host, file, depth - 1)
        elif line and not include:
            lines.append(line)
    return lines


def _included(host: Host, include: re.Match[str], path: str) -> list[str]:
    place = include[2].strip('"')
    place = place if place.startswith("/") else f"{path.rpartition('/')[0]}/{place}"
    if not include[1]:
        return [place]
    # sudo leaves out the names that package managers and editors leave behind.
    return [f"{place}/{name}" for name in host.list_dir(place) if "." not in name and not name.endswith("~")]
