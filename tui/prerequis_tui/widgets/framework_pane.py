"""One framework of a site: readiness, score, and its findings in the order in which a person needs them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from prerequis.v1 import judgement_pb2
from prerequis_tui import scorecard, wording
from prerequis_tui.scorecard import Finding
from prerequis_tui.widgets.finding import parts
from prerequis_tui.widgets.line_list import Column, Heading, LineList, Spans
from prerequis_tui.widgets.sheet import Part, Sheet
from prerequis_tui.widgets.tones import STYLES, scored
from prerequis_tui.wording import Tone

_BAR_COLUMNS = 30


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the list: a finding, or a requirement that nothing verifies."""

    key: str
    symbol: str
    tone: Tone
    title: str
    who: str
    level: str
    finding: Finding | None


def _title(entry: Entry) -> Spans:
    return [(entry.title, Tone.MUTED if entry.tone is Tone.MUTED else Tone.PLAIN)]


_COLUMNS: Sequence[Column[Entry]] = (
    Column("", lambda entry: [(entry.symbol, entry.tone)], 1),
    Column("Point vérifié", _title),
    Column("Poste", lambda entry: [(entry.who, Tone.PLAIN)], 15, from_width=60),
    Column("Poids", lambda entry: [(entry.level, Tone.MUTED)], 11, from_width=72),
)


class FrameworkPane(Vertical):
    """What one framework says of a site."""

    DEFAULT_CSS = """
    FrameworkPane { height: 1fr; }
    FrameworkPane .banner { height: auto; padding: 0 1; }
    FrameworkPane .score { height: auto; padding: 0 1; margin-bottom: 1; }
    FrameworkPane LineList { width: 3fr; }
    FrameworkPane Sheet { display: none; width: 2fr; border-left: tall $panel; padding: 0 2; }
    """

    def __init__(self, framework: judgement_pb2.FrameworkResult, *, id: str) -> None:
        super().__init__(id=id)
        self._framework = framework

    def compose(self) -> ComposeResult:
        """Lay out the banner, the score, the list and the page of the chosen finding."""
        yield Static(classes="banner")
        yield Static(classes="score")
        with Horizontal():
            yield LineList(_COLUMNS, lambda entry: entry.key, "Rien n'a encore été jugé.", classes="findings")
            yield Sheet()

    def on_mount(self) -> None:
        """Show the framework that the pane was made with."""
        self.show(self._framework)

    def show(self, framework: judgement_pb2.FrameworkResult) -> None:
        """Show the framework as it is judged now."""
        self._framework = framework
        card = scorecard.arrange(framework)
        word = wording.READINESS[framework.readiness]
        verdict = Content.styled(f" {word.symbol} {word.text.upper()} ", f"reverse bold {STYLES[word.tone]}")
        self.query_one(".banner", Static).update(Content.assemble(verdict, "  ", scorecard.reasons(card)))
        self.query_one(".score", Static).update(Content.assemble("Score  ", scored(framework.score, _BAR_COLUMNS)))
        self.query_one(LineList).show(list(_entries(card)))

    @on(LineList.Chosen)
    async def _detail(self, message: LineList.Chosen) -> None:
        entry = message.row
        if not isinstance(entry, Entry):
            return
        shown = parts(entry.finding) if entry.finding else [Part("", "Ni règle ni question ne vérifie cette exigence.")]
        await self.query_one(Sheet).show(entry.title, shown)


def _entries(card: scorecard.Scorecard) -> Iterator[Entry | Heading]:
    groups: Sequence[tuple[str, Sequence[Finding], Tone]] = (
        ("Ce qui bloque", card.blocking, Tone.BAD),
        ("Inconnu et bloquant : à lever avant de conclure", card.unknown_blocking, Tone.UNKNOWN),
        ("Autres écarts", card.failed, Tone.WARNING),
        ("Dérogations", card.waived, Tone.WARNING),
        ("Autres points inconnus", card.unknown, Tone.UNKNOWN),
        ("Conforme", card.passed, Tone.GOOD),
        ("Sans objet", card.not_applicable, Tone.MUTED),
    )
    first = True
    for title, findings, tone in groups:
        if findings:
            yield from [] if first else [Heading("")]
            yield Heading(f"{title} ({len(findings)})", tone)
            yield from (_entry(finding) for finding in findings)
            first = False
    if card.not_covered:
        yield from [] if first else [Heading("")]
        yield Heading(f"Exigences que Prérequis ne vérifie pas ({len(card.not_covered)})", Tone.MUTED)
        for one in card.not_covered:
            yield Entry(f"requirement:{one.id}", "–", Tone.MUTED, f"{one.id}  {one.title}", "", "", None)


def _entry(finding: Finding) -> Entry:
    first, subjects = finding.first, finding.subjects
    who = "le site" if first.scope == "site" else subjects[0]
    if len(subjects) > 1:
        who = f"{len(subjects)} postes"
    key = "\n".join((first.rule, str(first.verdict), first.observed))
    return Entry(key, finding.word.symbol, finding.word.tone, first.title or first.rule, who, finding.level, finding)
