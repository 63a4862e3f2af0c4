"""Texts that a spreadsheet shows as they were meant, and never runs."""

import unicodedata

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def safe(text: str) -> str:
    """Return the text on one line, behind an apostrophe where a spreadsheet would take it for a formula.

    Source: OWASP, "CSV Injection"; spreadsheets look past leading blanks, and take full-width signs for plain ones.
    """
    flat = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    first = flat[:1]
    dangerous = text.startswith(_FORMULA_STARTS) or unicodedata.normalize("NFKC", first)[:1] in _FORMULA_STARTS[:4]
    return f"'{flat}" if dangerous else flat
