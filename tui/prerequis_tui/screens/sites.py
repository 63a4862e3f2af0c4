"""Lists the sites."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Input, Static
from textual.worker import Worker

from prerequis.v1 import review_pb2
from prerequis_tui import order, score_bar, wording
from prerequis_tui.actions import bindings
from prerequis_tui.client import Client
from prerequis_tui.errors import CollectorUnreachable, OperatorError
from prerequis_tui.messages import CallFailed, JudgingCounted, JudgingLost, SitesLoaded
from prerequis_tui.screens.problem import ProblemScreen
from prerequis_tui.screens.site import SiteScreen
from prerequis_tui.widgets.line_list import Column, LineList, Spans
from prerequis_tui.widgets.title_bar import TitleBar
from prerequis_tui.widgets.tones import flow, toned
from prerequis_tui.wording import Tone

Site = review_pb2.SiteSummary

_ASK_SECONDS = 2.0
"""Between two looks at how the judging goes, while there is some."""


def _readiness(site: Site) -> Spans:
    word = wording.readiness(site)
    return [(f"{word.symbol} {word.text}", word.tone)]


def _score(site: Site) -> Spans:
    return [(wording.score_range(site.score) if site.score.HasField("coverage") else "–", Tone.PLAIN)]


def _coverage(site: Site) -> Spans:
    known = site.score.HasField("coverage")
    return [(f"{wording.percent(site.score.coverage)} %" if known else "–", Tone.PLAIN)]


def _seen(site: Site) -> Spans:
    seen = wording.date(site.last_seen)
    return [(seen, Tone.MUTED) if seen else ("jamais", Tone.UNKNOWN)]


COLUMNS: Sequence[Column[Site]] = (
    Column("État", _readiness, 23),
    Column("FINESS", lambda site: [(site.finess, Tone.MUTED)], 9),
    Column("Site", lambda site: [(site.name, Tone.STRONG)]),
    Column("", lambda site: score_bar.parts(site.score, 12), 12, from_width=130),
    Column("Score", _score, 13, right=True),
    Column("Vérifié", _coverage, 7, right=True, from_width=84),
    Column("Blocages", lambda site: [(str(site.blocking or "–"), Tone.PLAIN)], 8, right=True, from_width=126),
    Column("Postes", lambda site: [(str(site.workstations), Tone.PLAIN)], 6, right=True, from_width=94),
    Column("Vu le", _seen, 10, from_width=106),
)

SORTS: Sequence[tuple[str, Callable[[Site], object]]] = (
    ("État", order.worst_first),
    ("Site", lambda site: (fold(site.name), site.finess)),
    ("FINESS", lambda site: site.finess),
    ("Score", lambda site: (site.score.low if site.score.HasField("low") else -1.0, site.finess)),
    ("Vu le", lambda site: (site.last_seen.seconds, site.finess)),
)
"""The orders that `s` goes through, each named after the column that shows it."""


def fold(text: str) -> str:
    """Return the text without accents or capitals, so that « tilleuls » finds « Les Tilléuls »."""
    return "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign)).casefold()


class SitesScreen(Screen[None]):
    """Every site, worst first."""

    HELP = "Chaque ligne est un site ; le moins prêt vient d'abord. La recherche porte sur le nom, le FINESS et l'état."
    CSS = """
    SitesScreen #summary { height: auto; padding: 0 1; margin: 1 0; }
    SitesScreen #filter { display: none; height: 1; border: none; padding: 0 1; background: $boost; }
    SitesScreen #filter.-shown { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings("filter", "sort", "refresh", "back", "help", "quit")

    def __init__(self, client: Client) -> None:
        super().__init__()
        self._client = client
        self._sites: list[Site] = []
        self._still_judged = ""
        self._being_judged = 0
        self._being_judged_when_listed = 0
        self._counting: Worker[None] | None = None
        self._texts: dict[str, str] = {}
        self._sort = 0

    def compose(self) -> ComposeResult:
        """Lay out the summary, the search line and the list."""
        yield TitleBar("Prérequis · sites", self._client.credential)
        yield Static(id="summary")
        yield Input(placeholder="Chercher un nom, un FINESS, un état…", id="filter", compact=True)
        yield LineList(COLUMNS, lambda site: site.finess, "Le collecteur prépare la liste…", id="sites")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Ask for the sites at once."""
        self._list.focus()
        self.action_refresh()
        self.set_interval(_ASK_SECONDS, self._follow)

    @property
    def _list(self) -> LineList[Site]:
        return self.query_one("#sites", LineList)

    @property
    def _filter(self) -> Input:
        return self.query_one("#filter", Input)

    def action_refresh(self) -> None:
        """Ask the collector again."""
        self._load()

    @work(exclusive=True)
    async def _load(self, *, unasked: bool = False) -> None:
        try:
            self.post_message(SitesLoaded(await self._client.sites()))
        except OperatorError as error:
            self.post_message(JudgingLost(error) if unasked else CallFailed(error))

    def _follow(self) -> None:
        """Ask how the judging goes, while there is some and somebody looks; once the last answer came, however late."""
        if self._being_judged and self.is_current and (self._counting is None or self._counting.is_finished):
            self._counting = self._count()

    @work(group="count")
    async def _count(self) -> None:
        try:
            self.post_message(JudgingCounted(await self._client.being_judged()))
        except OperatorError as error:
            self.post_message(JudgingLost(error))

    @on(JudgingCounted)
    def _show_progress(self, message: JudgingCounted) -> None:
        """Tell how many are left; list again each time that half of them are done."""
        self._being_judged = message.being_judged
        if self._being_judged <= self._being_judged_when_listed // 2:
            self._load(unasked=True)
        else:
            self._still_judged = wording.still_judged(self._sites, self._being_judged, wording.today())
            self._show()

    @on(JudgingLost)
    def _wait(self, message: JudgingLost) -> None:
        """Say that the list grows old, in the way of nobody; go on asking while an answer may come."""
        if isinstance(message.error, CollectorUnreachable):
            self._still_judged = "Le collecteur ne répond plus ; nouvel essai dans un instant"
        else:
            self._being_judged = 0
        self._show()

    @on(SitesLoaded)
    def _keep(self, message: SitesLoaded) -> None:
        self._sites = list(message.listed.sites)
        self._being_judged = self._being_judged_when_listed = message.listed.being_judged
        self._still_judged = wording.still_judged(self._sites, self._being_judged, wording.today())
        self._texts = {
            site.finess: fold(f"{site.finess} {site.name} {wording.readiness(site).text}") for site in self._sites
        }
        self._list.empty = "Aucun site à montrer."
        self._arrange()

    @on(CallFailed)
    def _explain(self, message: CallFailed) -> None:
        self._list.empty = "Le collecteur n'a pas répondu : r pour réessayer."
        self._list.refresh()
        self.app.push_screen(ProblemScreen(message.error, self._client.credential), self._retry)

    def _retry(self, again: bool | None) -> None:
        if again:
            self.action_refresh()

    def action_sort(self) -> None:
        """Sort by the next column."""
        self._sort = (self._sort + 1) % len(SORTS)
        self._arrange()

    def _arrange(self) -> None:
        """Sort the sites and show those that the search keeps."""
        title, key = SORTS[self._sort]
        self._list.marked = title
        self._sites.sort(key=key)  # type: ignore[arg-type]  # each key returns values of one comparable type
        self._show()

    def _show(self) -> None:
        terms = fold(self._filter.value).split()
        kept = [site for site in self._sites if all(term in self._texts[site.finess] for term in terms)]
        self._list.show(kept)
        self.query_one("#summary", Static).update(self._summary(kept))

    def _summary(self, kept: Sequence[Site]) -> Content:
        counts = Counter(site.readiness for site in kept)
        total = wording.count(len(self._sites), "site")
        many = total if len(kept) == len(self._sites) else f"{wording.number(len(kept))} sur {total}"
        words = [
            toned(f"{word.symbol} {word.text} : {wording.number(counts[value])}", word.tone)
            for value, word in wording.READINESS.items()
            if counts[value]
        ]
        shown = flow([toned(many, Tone.STRONG), *words], self.size.width - 2)
        if not self._still_judged:
            return shown
        return Content.assemble(shown, "\n", toned(f"{self._still_judged}.", Tone.UNKNOWN))

    def action_filter(self) -> None:
        """Open the search line."""
        self._filter.add_class("-shown")
        self._filter.focus()
        self.refresh_bindings()

    @on(Input.Changed, "#filter")
    def _search(self) -> None:
        self._show()

    @on(Input.Submitted, "#filter")
    def _search_done(self) -> None:
        self._list.focus()

    def action_back(self) -> None:
        """Close the search line and show every site again."""
        self._filter.value = ""
        self._filter.remove_class("-shown")
        self.refresh_bindings()
        self._list.focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the way back only while there is a search to leave."""
        return self._filter.has_class("-shown") if action == "back" and self.is_mounted else True

    def key_down(self) -> None:
        """Go from the search line to what it found."""
        if self._filter.has_focus:
            self._list.focus()

    @on(LineList.Opened)
    def _open(self, message: LineList.Opened) -> None:
        if isinstance(message.row, Site):
            self.app.push_screen(SiteScreen(self._client, message.row.finess, message.row.name))
