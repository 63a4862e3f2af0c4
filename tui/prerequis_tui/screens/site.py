"""Shows one site: its frameworks, machines, questions, parameters, line, services and needs."""

from functools import partial
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer, Static, TabbedContent, TabPane

from prerequis.v1 import judgement_pb2, line_review_pb2, ordering_pb2, review_pb2, services_review_pb2
from prerequis_tui import scorecard, wording
from prerequis_tui.actions import bindings
from prerequis_tui.client import Client
from prerequis_tui.errors import OperatorError, Refused
from prerequis_tui.messages import AnswerKept, CallFailed, SiteLoaded
from prerequis_tui.screens.answer import AnswerScreen
from prerequis_tui.screens.machine import MachineScreen
from prerequis_tui.screens.measurement import MeasurementScreen
from prerequis_tui.screens.need import NeedScreen
from prerequis_tui.screens.problem import ProblemScreen
from prerequis_tui.screens.service import ServiceScreen
from prerequis_tui.screens.setting import SettingScreen
from prerequis_tui.screens.verdict import VerdictScreen
from prerequis_tui.service_words import Service
from prerequis_tui.widgets.framework_pane import Entry, FrameworkPane
from prerequis_tui.widgets.line_list import LineList
from prerequis_tui.widgets.machine_list import Machine, MachineList
from prerequis_tui.widgets.measurement_list import Measurement, MeasurementList
from prerequis_tui.widgets.need_list import Need, NeedList
from prerequis_tui.widgets.question_list import Question, QuestionList
from prerequis_tui.widgets.service_list import ServiceList
from prerequis_tui.widgets.setting_list import Setting, SettingList
from prerequis_tui.widgets.title_bar import TitleBar

_SHORT = {"dui": "DUI", "anssi-hygiene": "Hygiène ANSSI", "bonnes-pratiques": "Pratiques"}
"""Titles that fit on a tab; another framework shows its id."""


class SiteScreen(Screen[None]):
    """One site as it is judged now."""

    HELP = (
        "Un volet par référentiel, puis postes, questions, paramètres, ligne, services et besoins. "
        "Ce qui bloque vient d'abord."
    )
    CSS = """
    SiteScreen #facts { height: auto; max-height: 2; padding: 0 1; color: $text-muted; }
    SiteScreen #warnings { height: auto; max-height: 3; padding: 0 1; color: $text-warning; display: none; }
    SiteScreen TabbedContent { height: 1fr; }
    SiteScreen ContentSwitcher { height: 1fr; }
    SiteScreen TabPane { padding: 0; height: 1fr; }
    SiteScreen.-wide FrameworkPane Sheet { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings("next_tab", "previous_tab", "refresh", "back", "help", "quit")

    def __init__(self, client: Client, finess: str, name: str) -> None:
        super().__init__()
        self._client = client
        self._finess = finess
        self._site_name = name
        self._site: review_pb2.GetSiteResponse | None = None

    def compose(self) -> ComposeResult:
        """Lay out the head; the tabs come with the answer."""
        yield TitleBar(f"Prérequis · {self._site_name}", self._client.credential)
        yield Static("Le collecteur juge ce site…", id="facts", markup=False)
        yield Static(id="warnings", markup=False)
        yield TabbedContent(id="tabs")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Ask for the site at once."""
        self.action_refresh()

    def action_refresh(self) -> None:
        """Ask the collector again."""
        self._load()

    @work(exclusive=True)
    async def _load(self) -> None:
        try:
            site = await self._client.site(self._finess)
            questions = (await self._client.pack()).questions
            told = await self._needs(), await self._line(), await self._services()
            self.post_message(SiteLoaded(site, questions, *told))
        except OperatorError as error:
            self.post_message(CallFailed(error))

    async def _needs(self) -> ordering_pb2.ListNeedsResponse | None:
        try:
            return await self._client.needs(self._finess)
        except Refused:
            return None

    async def _line(self) -> line_review_pb2.GetLineResponse | None:
        try:
            return await self._client.line(self._finess)
        except Refused:
            return None

    async def _services(self) -> services_review_pb2.GetServicesResponse | None:
        try:
            return await self._client.services(self._finess)
        except Refused:
            return None

    @on(CallFailed)
    def _explain(self, message: CallFailed) -> None:
        self.app.push_screen(ProblemScreen(message.error, self._client.credential), self._retry)

    def _retry(self, again: bool | None) -> None:
        if again:
            self.action_refresh()
        elif self._site is None:
            self.action_back()

    @on(SiteLoaded)
    async def _keep(self, message: SiteLoaded) -> None:
        first = self._site is None
        self._site = message.site
        self.query_one(TitleBar).say(f"Prérequis · {message.site.site.name or self._site_name}")
        self.query_one("#facts", Static).update(_facts(message.site))
        warnings = self.query_one("#warnings", Static)
        warnings.display = bool(message.site.warnings)
        warnings.update("\n".join(f"! {warning}" for warning in message.site.warnings))
        for framework in scorecard.in_order(message.site.frameworks):
            await self._show_framework(framework)
        if first:
            await self._add("tab-machines", "Postes", MachineList(id="machines"))
            await self._add("tab-questions", "Questions", QuestionList(id="questions"))
        self.query_one(MachineList).fill(message.site)
        self.query_one(QuestionList).fill(message.questions, message.site.answers)
        if message.site.parameters or message.site.HasField("lot"):
            if not self.query(SettingList):
                await self._add("tab-settings", "Paramètres", SettingList(id="settings"))
            self.query_one(SettingList).fill(message.site)
        if message.line is not None:
            if not self.query(MeasurementList):
                await self._add("tab-line", "Ligne", MeasurementList(id="line"))
            self.query_one(MeasurementList).fill(message.line)
        if message.services is not None:
            if not self.query(ServiceList):
                await self._add("tab-services", "Services", ServiceList(id="services"))
            self.query_one(ServiceList).fill(message.services)
        if message.needs is not None:
            if not self.query(NeedList):
                await self._add("tab-needs", "Besoins", NeedList(id="needs"))
            self.query_one(NeedList).fill(message.needs)
        if first:
            self._focus_list()

    async def _show_framework(self, framework: judgement_pb2.FrameworkResult) -> None:
        panes = self.query(f"#framework-{framework.id}").results(FrameworkPane)
        pane = next(iter(panes), None)
        if pane is not None:
            pane.show(framework)
            return
        made = FrameworkPane(framework, id=f"framework-{framework.id}")
        await self._add(f"tab-{framework.id}", _SHORT.get(framework.id, framework.id), made)

    async def _add(self, id: str, title: str, content: Widget) -> None:
        await self.query_one(TabbedContent).add_pane(TabPane(title, content, id=id))

    def action_next_tab(self) -> None:
        """Show the next tab."""
        self._turn(1)

    def action_previous_tab(self) -> None:
        """Show the tab before."""
        self._turn(-1)

    def _turn(self, step: int) -> None:
        tabs = self.query_one(TabbedContent)
        names = [pane.id for pane in tabs.query(TabPane) if pane.id]
        if names:
            tabs.active = names[(names.index(tabs.active) + step) % len(names)]
            # At once: a key pressed right after must not reach the list of the tab before.
            self._focus_list()

    @on(TabbedContent.TabActivated)
    def _focus_list(self) -> None:
        pane = self.query_one(TabbedContent).active_pane
        if pane is not None:
            self.set_focus(pane.query_one(LineList))

    def action_back(self) -> None:
        """Return to the list of sites."""
        self.app.pop_screen()

    @on(LineList.Opened)
    def _open(self, message: LineList.Opened) -> None:
        row, credential = message.row, self._client.credential
        if isinstance(row, Entry) and row.finding is not None:
            self.app.push_screen(VerdictScreen(credential, self._site_name, row.finding))
        elif isinstance(row, Machine) and self._site is not None:
            self.app.push_screen(MachineScreen(credential, self._site_name, row, self._site.frameworks))
        elif isinstance(row, Question):
            answered = self.query_one(QuestionList).answers.get(row.id)
            self.app.push_screen(AnswerScreen(row, answered), partial(self._answer, row.id))
        elif isinstance(row, Setting):
            lot = self.query_one(SettingList).lot
            self.app.push_screen(SettingScreen(credential, self._site_name, self._finess, row, lot))
        elif isinstance(row, Measurement):
            self.app.push_screen(MeasurementScreen(credential, self._site_name, row))
        elif isinstance(row, Service):
            self.app.push_screen(ServiceScreen(credential, self._site_name, row))
        elif isinstance(row, Need):
            self.app.push_screen(NeedScreen(credential, self._site_name, row))

    def _answer(self, question: str, choice: str | None) -> None:
        if choice is not None:
            self._save(question, choice)

    @work(exclusive=True)
    async def _save(self, question: str, choice: str) -> None:
        try:
            await self._client.save_answer(self._finess, question, choice)
        except OperatorError as error:
            self.post_message(CallFailed(error))
        else:
            self.post_message(AnswerKept())

    @on(AnswerKept)
    def _answer_kept(self) -> None:
        self.notify("Réponse gardée ; le site est jugé de nouveau.")
        self.action_refresh()


def _facts(site: review_pb2.GetSiteResponse) -> str:
    """Return in one line what the register and the reports say of the site."""
    about = site.site
    known = wording.count(len(site.workstations), "poste vu", "postes vus")
    last = max((one.received_at for one in site.workstations), key=lambda at: at.seconds, default=None)
    parts = (
        f"FINESS {about.finess}",
        f"{known} sur {about.workstations}" if about.HasField("workstations") else known,
        wording.count(about.professionals, "professionnel") if about.HasField("professionals") else "",
        f"vu le {wording.date(last)}" if last else "aucun rapport",
        f"prêt pour le {wording.day(about.deadline)}" if about.HasField("deadline") else "",
    )
    return " · ".join(part for part in parts if part)
