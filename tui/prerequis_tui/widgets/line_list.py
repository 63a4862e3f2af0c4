"""A list of rows that paints only the lines in sight: 40,000 rows cost what 40 do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import ClassVar, Generic, TypeVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from prerequis_tui.actions import bindings
from prerequis_tui.wording import Tone

Row = TypeVar("Row")

Spans = Sequence[tuple[str, Tone]]
"""The text of a cell, in parts that each have a tone."""

_GAP = 2


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """One column of a list."""

    title: str
    cell: Callable[[Row], Spans]
    width: int = 0
    """In characters; 0 takes what the others leave."""
    right: bool = False
    from_width: int = 0
    """The column is shown from this width of the list on."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A line between rows that names what follows; the cursor passes over it."""

    text: str
    tone: Tone = Tone.STRONG


class LineList(ScrollView, Generic[Row], can_focus=True, inherit_bindings=False):
    """Rows under a heading that stays, with a cursor."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "line-list--title",
        "line-list--cursor",
        "line-list--cursor-blurred",
        *(f"line-list--{tone}" for tone in Tone),
    }
    DEFAULT_CSS = """
    LineList {
        height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; padding: 0 1;
        .line-list--title { color: $text-muted; text-style: bold; background: $panel; }
        .line-list--cursor { background: $primary 45%; text-style: bold; }
        .line-list--cursor-blurred { background: $primary 15%; }
        .line-list--good { color: $text-success; }
        .line-list--bad { color: $text-error; text-style: bold; }
        .line-list--warning { color: $text-warning; }
        .line-list--unknown { color: $text-accent; text-style: bold; }
        .line-list--muted { color: $text-muted; }
        .line-list--strong { text-style: bold; }
        .line-list--plain { color: $foreground; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("open_row"),
        Binding("up,k", "move(-1)", "haut", show=False),
        Binding("down,j", "move(1)", "bas", show=False),
        Binding("pageup", "page(-1)", "page précédente", show=False),
        Binding("pagedown", "page(1)", "page suivante", show=False),
        Binding("home", "end(0)", "début", show=False),
        Binding("end", "end(-1)", "fin", show=False),
    ]

    cursor: reactive[int] = reactive(-1, repaint=False)
    """Index of the chosen row; -1 when there is none."""

    class Opened(Message):
        """A row was opened by Enter or a click on the cursor."""

        def __init__(self, row: object) -> None:
            super().__init__()
            self.row = row

    class Chosen(Message):
        """The cursor came to a row."""

        def __init__(self, row: object) -> None:
            super().__init__()
            self.row = row

    def __init__(
        self,
        columns: Sequence[Column[Row]],
        key: Callable[[Row], str],
        empty: str,
        *,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._columns = columns
        self._key = key
        self.empty = empty
        """What is said when there is no row."""
        self._rows: Sequence[Row | Heading] = ()
        self.marked = ""
        """Title of the column behind which an arrow shows the order."""

    @property
    def chosen(self) -> Row | None:
        """Return the row under the cursor."""
        row = self._rows[self.cursor] if 0 <= self.cursor < len(self._rows) else None
        return None if isinstance(row, Heading) else row

    @property
    def rows(self) -> Sequence[Row | Heading]:
        """Return what is listed."""
        return self._rows

    def show(self, rows: Sequence[Row | Heading], *, keep: bool = True) -> None:
        """List other rows; with `keep` the cursor stays on the row of the same key."""
        held = self.chosen
        self._rows = rows
        self.virtual_size = Size(self.scrollable_content_region.width, len(rows) + 1)
        place = -1
        if keep and held is not None:
            wanted = self._key(held)
            place = next(
                (at for at, row in enumerate(rows) if not isinstance(row, Heading) and self._key(row) == wanted), -1
            )
        self.set_reactive(LineList.cursor, -1)
        self.cursor = place if place >= 0 else self._row_from(0, 1)
        self.refresh()
        if self.cursor < 0:
            self.scroll_to(y=0, animate=False)

    def watch_cursor(self, before: int, now: int) -> None:
        """Repaint the two lines concerned, keep the cursor in sight and tell where it is."""
        for at in (before, now):
            if at >= 0:
                self.refresh_line(at + 1)
        self._keep_in_sight()
        row = self.chosen
        if row is not None:
            self.post_message(self.Chosen(row))

    def _keep_in_sight(self) -> None:
        """Scroll as little as shows the cursor, with the headings right above it."""
        seen = self.size.height - 1
        if self.cursor < 0 or seen < 1:
            return
        first = self.cursor
        while first > 0 and isinstance(self._rows[first - 1], Heading):
            first -= 1
        first = max(first, self.cursor - seen + 1)
        if first < self.scroll_offset.y:
            self.scroll_to(y=first, animate=False)
        elif self.cursor >= self.scroll_offset.y + seen:
            self.scroll_to(y=self.cursor - seen + 1, animate=False)

    def action_open_row(self) -> None:
        """Open the row under the cursor."""
        row = self.chosen
        if row is not None:
            self.post_message(self.Opened(row))

    def action_move(self, step: int) -> None:
        """Move by one row, passing over headings."""
        place = self._row_from(self.cursor + step, step)
        if place >= 0:
            self.cursor = place

    def action_page(self, way: int) -> None:
        """Move by what is in sight."""
        place = max(0, min(len(self._rows) - 1, self.cursor + way * max(self.size.height - 2, 1)))
        self.cursor = max(self._row_from(place, way), self._row_from(place, -way)) if self._rows else -1

    def action_end(self, place: int) -> None:
        """Move to the first row (0) or the last (-1)."""
        self.cursor = self._row_from(0, 1) if place == 0 else self._row_from(len(self._rows) - 1, -1)

    def _row_from(self, place: int, step: int) -> int:
        """Return the index of the first row from `place` on in steps of `step`, or -1."""
        while 0 <= place < len(self._rows):
            if not isinstance(self._rows[place], Heading):
                return place
            place += step
        return -1

    def on_click(self, event: events.Click) -> None:
        """Choose the row clicked; open it when it was chosen already."""
        place = self.scroll_offset.y + event.y - 1
        if event.y < 1 or not 0 <= place < len(self._rows) or isinstance(self._rows[place], Heading):
            return
        if place == self.cursor:
            self.action_open_row()
        else:
            self.cursor = place

    def on_resize(self) -> None:
        """Keep the width of what is painted equal to what is seen."""
        self.virtual_size = Size(self.scrollable_content_region.width, len(self._rows) + 1)
        self._keep_in_sight()
        self.refresh()

    def on_focus(self) -> None:
        """Show that the cursor obeys the keys."""
        self.refresh()

    def on_blur(self) -> None:
        """Show that the cursor does not obey the keys."""
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Return one line in sight: the titles first, whatever is scrolled."""
        width = self.scrollable_content_region.width
        plain = self.get_component_rich_style("line-list--plain")
        if y == 0:
            return self._titles(width)
        place = self.scroll_offset.y + y - 1
        if place >= len(self._rows):
            said = wrap(self.empty, max(width, 1), break_on_hyphens=False) if not self._rows else []
            text = said[y - 2] if 2 <= y < 2 + len(said) else ""
            return Strip([Segment(text, self._style(Tone.MUTED))]).adjust_cell_length(width, plain)
        row = self._rows[place]
        if isinstance(row, Heading):
            return Strip([Segment(row.text, self._style(row.tone))]).adjust_cell_length(width, plain)
        over = Style()
        if place == self.cursor:
            name = "line-list--cursor" if self.has_focus else "line-list--cursor-blurred"
            style = self.get_component_rich_style(name)
            over = Style(bgcolor=style.bgcolor, bold=style.bold or None)
        return self._line(row, width, over)

    def _titles(self, width: int) -> Strip:
        style = self.get_component_rich_style("line-list--title")
        segments = []
        for column, size in self._layout(width):
            title = f"{column.title} ▾" if column.title and column.title == self.marked else column.title
            padding = " " * max(size - cell_len(title), 0)
            text = padding + title if column.right else title + padding
            segments.append(Segment(set_cell_size(text, size) + " " * _GAP, style))
        return Strip(segments).adjust_cell_length(width, style)

    def _line(self, row: Row, width: int, over: Style) -> Strip:
        segments: list[Segment] = []
        plain = self.get_component_rich_style("line-list--plain") + over
        for column, size in self._layout(width):
            spans = [(text, self._style(tone) + over) for text, tone in column.cell(row)]
            length = sum(cell_len(text) for text, _ in spans)
            padding = Segment(" " * max(size - length, 0), plain)
            if column.right:
                segments.append(padding)
            left = size
            for text, style in spans:
                shown = text if cell_len(text) <= left else set_cell_size(text, max(left - 1, 0)) + "…"[:left]
                segments.append(Segment(shown, style))
                left -= cell_len(shown)
            if not column.right:
                segments.append(padding)
            segments.append(Segment(" " * _GAP, plain))
        return Strip(segments).adjust_cell_length(width, plain)

    def _layout(self, width: int) -> Sequence[tuple[Column[Row], int]]:
        """Return the columns that are shown and their widths."""
        shown = [column for column in self._columns if width >= column.from_width]
        left = width - sum(column.width for column in shown) - _GAP * (len(shown) - 1)
        elastic = sum(not column.width for column in shown)
        return [(column, column.width or max(left // max(elastic, 1), 4)) for column in shown]

    def _style(self, tone: Tone) -> Style:
        return self.get_component_rich_style(f"line-list--{tone}")
