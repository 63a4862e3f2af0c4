"""Reads the account files of Unix: /etc/passwd, /etc/shadow and /etc/group (passwd(5), shadow(5), group(5))."""

from dataclasses import dataclass

_NO_SESSION = frozenset({"nologin", "false"})


@dataclass(frozen=True, slots=True)
class Account:
    """A line of /etc/passwd."""

    name: str
    secret: str
    """`x`: the password is in /etc/shadow."""
    uid: int
    gid: int
    home: str
    shell: str

    @property
    def opens_sessions(self) -> bool:
        """Whether the shell is one that people use; an empty one is /bin/sh."""
        return self.shell.rpartition("/")[2] not in _NO_SESSION


@dataclass(frozen=True, slots=True)
class Secret:
    """A line of /etc/shadow; the hash stays on the machine."""

    hash: str
    expires_on: int | None
    """Days since 1970 after which the account is closed."""

    @property
    def usable(self) -> bool:
        """Whether some password opens the account: no hash begins by ! or *."""
        return not self.hash.startswith(("!", "*"))


@dataclass(frozen=True, slots=True)
class Group:
    """A line of /etc/group."""

    name: str
    gid: int
    members: frozenset[str]


def parse_passwd(text: str) -> list[Account]:
    """Return the accounts of /etc/passwd, without the lines that call on NIS."""
    return [
        Account(name, secret, int(uid), int(gid), home, shell)
        for name, secret, uid, gid, _, home, shell in _lines(text, 7)
        if uid.isdecimal() and gid.isdecimal()
    ]


def parse_shadow(text: str) -> dict[str, Secret]:
    """Return the secrets of /etc/shadow by account."""
    return {line[0]: Secret(line[1], int(line[7]) if line[7].isdecimal() else None) for line in _lines(text, 9)}


def parse_group(text: str) -> list[Group]:
    """Return the groups of /etc/group."""
    return [
        Group(name, int(gid), frozenset(members.split(",")) - {""})
        for name, _, gid, members in _lines(text, 4)
        if gid.isdecimal()
    ]


def _lines(text: str, fields: int) -> list[list[str]]:
    lines = [line.split(":") for line in text.splitlines() if not line.startswith(("#", "+", "-"))]
    return [line for line in lines if len(line) == fields and line[0]]
