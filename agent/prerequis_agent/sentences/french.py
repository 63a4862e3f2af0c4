"""What the phrases are made of: agreement, numbers and durations as French writes them."""

from google.protobuf.message import Message


def joined(*parts: str) -> str:
    """Return the parts that say something, with commas between them."""
    return ", ".join(part for part in parts if part)


def said(facts: Message, field: str, yes: str, no: str = "") -> str:
    """Return what to say of a boolean; nothing when it is not known."""
    if not facts.HasField(field):
        return ""
    return yes if getattr(facts, field) else no


def s(number: int) -> str:
    """Return the mark of the plural."""
    return "s" if number > 1 else ""


def count(number: int, one: str, several: str = "") -> str:
    """Return a number of things, none being said in words; `several` is for a plural that is more than an s."""
    if number:
        return f"{number} {(several or f'{one}s') if number > 1 else one}"
    return f"aucun{'e' if one in _FEMININE else ''} {one}"


_FEMININE = frozenset({"carte", "catégorie", "imprimante", "interface", "mise", "étape"})


def duration(seconds: int) -> str:
    """Return a duration, in minutes when they are whole."""
    return f"{seconds // 60} min" if seconds >= 60 and seconds % 60 == 0 else f"{seconds} s"


def decimal(value: float) -> str:
    """Return a number to a tenth, with a comma."""
    return f"{value:.1f}".replace(".", ",")
