"""Reads the stacks of PAM: which modules stand in the way of a session or of a new password (pam.conf(5))."""

import re
from dataclasses import dataclass

from prerequis_agent.attributes import Attributes

PAM_FILES = ("/etc/pam.d/common-*", "/etc/pam.d/system-auth", "/etc/security/*.conf", "/etc/security/*.conf.d/*")
"""What is read; everyone may."""

_LINE = re.compile(r"^-?(auth|account|password|session)\s+(?:\[[^\]]*\]|\S+)\s+(\S+)(.*)$")


@dataclass(frozen=True, slots=True)
class Module:
    """A line of a stack."""

    name: str
    """Without its directory: pam_unix.so."""
    arguments: dict[str, str]
    """An argument without value has the empty text."""


def stack(attributes: Attributes, kind: str) -> list[Module] | None:
    """Return the modules asked by every service for `auth` or `password`, or None when that is not known.

    Debian keeps them in common-<kind>, Red Hat, Arch and SUSE in system-auth or common-<kind>.
    """
    text = attributes.text(f"/etc/pam.d/common-{kind}") or attributes.text("/etc/pam.d/system-auth")
    return None if text is None else [module for found, module in parse_stack(text) if found == kind]


def parse_stack(text: str) -> list[tuple[str, Module]]:
    """Return the modules of a file, each with its kind."""
    lines = [_LINE.match(line.partition("#")[0].strip()) for line in text.replace("\\\n", " ").splitlines()]
    return [(line[1], Module(line[2].rpartition("/")[2], _arguments(line[3].split()))) for line in lines if line]


def parse_settings(text: str) -> dict[str, str]:
    """Return the `name = value` lines of a file of /etc/security; a name alone has the empty text."""
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    return _arguments([re.sub(r"\s*=\s*", "=", line) for line in lines if line])


def _arguments(words: list[str]) -> dict[str, str]:
    return {name: value for name, _, value in (word.partition("=") for word in words)}
