"""What the commands print for people: plain when piped, coloured in a terminal, the same words in both."""

from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def page(out: TextIO) -> Iterator[Console]:
    """Give a console never wider than a person reads with ease; what was printed on it is written to `out` at the end.

    Lines keep no blanks at their end, which Rich leaves to fill its columns.
    """
    console = Console(file=out, highlight=False, markup=False, emoji=False)
    console.width = min(console.width, _WIDEST_COLUMNS) if console.is_terminal else _PIPED_COLUMNS
    with console.capture() as captured:
        yield console
    out.writelines(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def styled(text: str, tone: Tone) -> Text:
    """Return the text in the colour of its tone."""
    return Text(text, STYLES[tone])


def worded(word: Word) -> Text:
    """Return the symbol and the word, coloured."""
    return styled(f"{word.symbol} {word.text}", word.tone)
