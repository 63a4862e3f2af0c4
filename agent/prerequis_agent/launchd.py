"""Knows which services of macOS are allowed to start, by `launchctl print-disabled system`."""

import re

from prerequis_agent.errors import ParseError
from prerequis_agent.host import Host

_LINE = re.compile(r'^\s*"([^"]+)"\s*=>\s*(enabled|disabled|true|false)\s*$', re.MULTILINE)


def enabled_services(host: Host) -> dict[str, bool]:
    """Return the services that somebody switched, by label, and whether they may start.

    Raises ParseError when the answer lists none: macOS always lists some, so that nothing means nothing was said.
    """
    services = parse_disabled(host.run("launchctl", "print-disabled", "system").stdout)
    if not services:
        raise ParseError("launchctl ne dit pas quels services sont permis.")
    return services


def parse_disabled(text: str) -> dict[str, bool]:
    """Return whether each listed service may start; before macOS 13 `true` meant disabled."""
    return {label: word in {"enabled", "false"} for label, word in _LINE.findall(text)}
