"""A page of labelled texts that wraps and scrolls."""

from collections.abc import Iterable
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Static


@dataclass(frozen=True, slots=True)
class Part:
    """One labelled text."""

    label: str
    text: str | Content


class Sheet(VerticalScroll):
    """A title, and its parts below."""

    DEFAULT_CSS = """
    Sheet { padding: 1 2; height: 1fr; }
    Sheet .title { text-style: bold; margin-bottom: 1; }
    Sheet Horizontal { height: auto; }
    Sheet .label { width: 12; color: $text-muted; }
    Sheet .text { width: 1fr; max-width: 90; height: auto; }
    """

    def __init__(self, title: str = "", parts: Iterable[Part] = (), *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._title = title
        self._parts = tuple(parts)

    def compose(self) -> ComposeResult:
        """Lay out the title and the parts."""
        yield Static(self._title, classes="title", markup=False)
        for part in self._parts:
            with Horizontal():
                yield Static(part.label, classes="label", markup=False)
                yield Static(part.text, classes="text", markup=False)

    async def show(self, title: str, parts: Iterable[Part]) -> None:
        """Show another page."""
        self._title = title
        self._parts = tuple(parts)
        await self.recompose()
        self.scroll_home(animate=False)
