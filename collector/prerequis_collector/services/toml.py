"""TOML as tickets and credentials are written: texts, numbers, lists of texts and moments."""

import json
from collections.abc import Mapping
from datetime import datetime


def toml(values: Mapping[str, str | int | list[str] | datetime]) -> str:
    """Return the values as TOML, one per line, texts of several lines readable."""
    return "".join(f"{key} = {_written(value)}\n" for key, value in values.items())


def _written(value: str | int | list[str] | datetime) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, str) and value.endswith("\n"):
        return '"""\n' + "\n".join(_json(line)[1:-1] for line in value.split("\n")) + '"""'
    return _json(value)


def _json(value: str | int | list[str]) -> str:
    """Return JSON, whose texts, numbers and lists of texts are TOML's, but for DEL, which TOML wants escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
