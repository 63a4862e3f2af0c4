"""Lists as commands write them: a table for people, one JSON document for programs."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

Cell = str | int | float | datetime | None


def json_document(values: Mapping[str, object]) -> str:
    """Return the values as JSON, moments in ISO 8601 with Z."""
    return json.dumps(values, ensure_ascii=False, indent=2, default=_moment) + "\n"


def table(headings: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """Return the rows under their headings, in columns, numbers to the right; moments in UTC, to the minute."""
    lines = [list(headings), *([shown(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    right = [any(isinstance(row[place], int | float) for row in rows) for place in range(len(headings))]
    return "".join(
        "  ".join(
            text.rjust(width) if to_right else text.ljust(width)
            for text, width, to_right in zip(line, widths, right, strict=True)
        ).rstrip()
        + "\n"
        for line in lines
    )


def shown(cell: Cell) -> str:
    """Return the value as people read it."""
    if cell is None:
        return "–"
    return f"{cell:%Y-%m-%d %H:%M} UTC" if isinstance(cell, datetime) else str(cell)


def count(many: int, thing: str) -> str:
    """Return "1 site", "12 sites", by the French plural: 0 and 1 are singular."""
    return f"{many} {thing}{'s' if abs(many) > 1 else ''}"


def _moment(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    raise TypeError(f"{type(value).__name__} has no form in JSON")
