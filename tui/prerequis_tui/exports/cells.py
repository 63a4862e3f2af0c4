"""Cells that a spreadsheet shows as they were meant, and never runs."""

import unicodedata
from collections.abc import Sequence

from prerequis.v1 import ordering_pb2
from prerequis_tui import wording

HEADERS = (
    "FINESS",
    "Site",
    "Code article",
    "Article",
    "Besoin certain",
    "Besoin possible",
    "Déjà commandé",
    "À commander",
    "Échéance",
    "Motifs",
)
"""The columns of the list of needs."""

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def safe(text: str) -> str:
    """Return the text on one line, behind an apostrophe where a spreadsheet would take it for a formula.

    Source: OWASP, "CSV Injection"; spreadsheets look past leading blanks, and take full-width signs for plain ones.
    """
    flat = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    first = flat[:1]
    dangerous = text.startswith(_FORMULA_STARTS) or unicodedata.normalize("NFKC", first)[:1] in _FORMULA_STARTS[:4]
    return f"'{flat}" if dangerous else flat


def reasons(line: ordering_pb2.NeedLine) -> str:
    """Return the reasons as one text."""
    return " ; ".join(line.reasons)


def possible(line: ordering_pb2.NeedLine) -> int | str:
    """Return the upper bound, or words where there is none: an empty cell or a zero would be read as nothing to buy."""
    return line.possible if line.HasField("possible") else wording.NOT_KNOWN


def row(line: ordering_pb2.NeedLine) -> Sequence[str | int]:
    """Return the cells under HEADERS: texts made safe, quantities as numbers, the deadline as jj/mm/aaaa."""
    return (
        safe(line.finess),
        safe(line.site_name),
        safe(line.item),
        safe(line.item_name),
        line.certain,
        possible(line),
        line.ordered,
        line.to_order,
        wording.day(line.deadline),
        safe(reasons(line)),
    )
