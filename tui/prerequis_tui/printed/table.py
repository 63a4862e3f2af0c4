"""Tables that fit the terminal: what matters least is left out, then long names are cut; a program gets all of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from rich.console import Console
from rich.text import Text

from prerequis_tui import printed
from prerequis_tui.wording import Tone

Row = TypeVar("Row")

_GAP = "  "


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """One column of a table."""

    title: str
    cell: Callable[[Row], str]
    width: int = 0
    """In characters, at least; as much more as the longest cell takes."""
    right: bool = False
    tone: Callable[[Row], Tone] | None = None
    least: int = 0
    """To how many characters it may be cut; 0 for never."""
    from_width: int = 0
    """The column is shown on terminals of this width on."""


class Table(Generic[Row]):
    """Rows laid out for one console; lines are made one by one, so that others may stand between."""

    def __init__(self, columns: Sequence[Column[Row]], rows: Sequence[Row], console: Console, indent: int = 0) -> None:
        width = console.width if console.is_terminal else 0
        shown = [one for one in columns if not width or width >= one.from_width]
        sizes = [max(one.width, len(one.title), *(len(one.cell(row)) for row in rows), 0) for one in shown]
        excess = indent + sum(sizes) + len(_GAP) * (len(shown) - 1) - width if width else 0
        for at in reversed(range(len(shown))):
            if excess > 0 and shown[at].least:
                cut = min(excess, max(sizes[at] - shown[at].least, 0))
                sizes[at] -= cut
                excess -= cut
        self._columns = list(zip(shown, sizes, strict=True))
        self._indent = " " * indent

    def heading(self) -> Text:
        """Return the titles."""
        return printed.styled(self._joined([_fit(one.title, size, one) for one, size in self._columns]), Tone.MUTED)

    def line(self, row: Row) -> Text:
        """Return one row."""
        cells = [
            printed.styled(_fit(one.cell(row), size, one), one.tone(row) if one.tone else Tone.PLAIN)
            for one, size in self._columns
        ]
        return Text(self._indent) + Text(_GAP).join(cells)

    def _joined(self, cells: Sequence[str]) -> str:
        return self._indent + _GAP.join(cells)


def _fit(text: str, size: int, column: Column[Row]) -> str:
    shown = text if len(text) <= size else f"{text[: size - 1]}…"
    return shown.rjust(size) if column.right else shown.ljust(size)
