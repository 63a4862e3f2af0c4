"""The machines of tests/fixtures/hosts, each told by a file, over what several of them have in common."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HOSTS = Path(__file__).parents[2] / "fixtures" / "hosts"
LAYERS = "layers/"
WHOLE = "whole/"

_ADDED_UP = frozenset({"secrets", "refused", "directories"})


def stories(platform: str | None = None) -> list[str]:
    """Return the names of all machines, or of those of a platform; layers are no machines."""
    names = sorted(path.relative_to(HOSTS).with_suffix("").as_posix() for path in HOSTS.rglob("*.toml"))
    machines = [name for name in names if not name.startswith(LAYERS)]
    return machines if platform is None else [name for name in machines if told(name).get("platform") == platform]


def told(name: str) -> dict[str, Any]:
    """Return the tables of a machine, each of its `layers` laid over those before it, and its own over all of them."""
    own = tomllib.loads((HOSTS / f"{name}.toml").read_text(encoding="utf-8"))
    story: dict[str, Any] = {}
    for layer in own.pop("layers", []):
        story = _laid_over(story, told(layer))
    return _laid_over(story, own)


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return tables joined entry by entry; of anything else that both have, what is above stands."""
    joined = dict(below)
    for name, content in above.items():
        under = joined.get(name)
        if name in _ADDED_UP:
            joined[name] = list(dict.fromkeys([*(under or []), *content]))
        elif isinstance(content, Mapping) and isinstance(under, Mapping):
            joined[name] = _laid_over(under, content)
        else:
            joined[name] = content
    return joined
