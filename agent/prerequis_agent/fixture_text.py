"""Writes a recorded machine in the TOML of the fixture hosts."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any


def written(story: Mapping[str, Any], comment: str) -> str:
    """Return the TOML of a story: its plain values first, then one table each."""
    plain = {name: content for name, content in story.items() if not isinstance(content, Mapping)}
    lines = [f"# {comment}", *(f"{name} = {_value(content)}" for name, content in plain.items())]
    for name, content in story.items():
        if isinstance(content, Mapping):
            lines += ["", f"[{name}]", *(f"{_text(key)} = {_value(value)}" for key, value in content.items())]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case str():
            return _text(value)
        case datetime():
            return value.isoformat()
        case Mapping():
            return "{" + ", ".join(f"{_text(name)} = {_value(each)}" for name, each in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_value, value)) + "]"
        case _:
            raise TypeError(f"TOML cannot write {type(value).__name__}")


def _text(text: str) -> str:
    # A JSON string of valid text is also a TOML basic string, but for one control character.
    return json.dumps(text.encode(errors="replace").decode(), ensure_ascii=False).replace("\x7f", "\\u007f")
