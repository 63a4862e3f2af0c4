"""What the commands print for people: plain when piped, coloured in a terminal, the same words in both."""

from typing import TextIO

from rich.console import Console
from rich.text import Text

from prerequis_tui.wording import Tone, Word

_PIPED_COLUMNS = 100
_WIDEST_COLUMNS = 110

STYLES = {
    Tone.GOOD: "green",
    Tone.BAD: "bold red",
    Tone.WARNING: "yellow",
    Tone.UNKNOWN: "bold cyan",
    Tone.MUTED: "dim",
    Tone.PLAIN: "",
    Tone.STRONG: "bold",
}
"""The colours of a terminal, which its owner chose; never the only carrier of meaning."""


def console(out: TextIO) -> Console:
    """Return a console on `out`, never wider than a person reads with ease."""
    made = Console(file=out, highlight=False, markup=False, emoji=False)
    made.width = min(made.width, _WIDEST_COLUMNS) if made.is_terminal else _PIPED_COLUMNS
    return made


def styled(text: str, tone: Tone) -> Text:
    """Return the text in the colour of its tone."""
    return Text(text, STYLES[tone])


def worded(word: Word) -> Text:
    """Return the symbol and the word, coloured."""
    return styled(f"{word.symbol} {word.text}", word.tone)
