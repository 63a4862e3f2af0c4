"""Asks a person for the answer to a question about a site."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Footer, OptionList, Static

from prerequis.v1 import register_pb2, review_pb2
from prerequis_tui import wording
from prerequis_tui.actions import bindings


class AnswerScreen(ModalScreen[str | None]):
    """Returns the choice, or None when the person leaves the question as it was."""

    HELP = "Choisir une réponse et valider. « Ne sait pas » laisse le point inconnu."
    CSS = """
    AnswerScreen { align: center middle; }
    AnswerScreen #box {
        width: 72; max-width: 94%; height: auto; max-height: 90%; padding: 1 2; background: $surface;
        border: round $primary; border-subtitle-color: $text-muted;
        border-title-color: $foreground; border-title-style: bold;
    }
    AnswerScreen OptionList { margin: 1 0; height: auto; border: none; padding: 0; background: $surface; }
    AnswerScreen .muted { color: $text-muted; }
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings("back", "help", "quit")

    def __init__(self, question: review_pb2.QuestionText, answer: register_pb2.Answer | None) -> None:
        super().__init__()
        self._question = question
        self._answer = answer

    def compose(self) -> ComposeResult:
        """Lay out the question, its choices, and what would prove the answer."""
        with Vertical(id="box") as box:
            box.border_title = "Question"
            box.border_subtitle = "↑ ↓ puis Entrée : répondre · Échap : laisser"
            yield Static(self._question.text, markup=False)
            yield OptionList(*self._question.choices, markup=False)
            if self._question.evidence:
                yield Static(f"Preuve à garder : {self._question.evidence}", classes="muted", markup=False)
            if self._answer is not None:
                said = f"{self._answer.choice} ({self._answer.author}, {wording.clock(self._answer.answered_at)})"
                yield Static(f"Réponse actuelle : {said}", classes="muted", markup=False)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Start on the answer given before."""
        choices = self.query_one(OptionList)
        if self._answer is not None and self._answer.choice in self._question.choices:
            choices.highlighted = list(self._question.choices).index(self._answer.choice)
        choices.focus()

    @on(OptionList.OptionSelected)
    def _choose(self, message: OptionList.OptionSelected) -> None:
        self.dismiss(self._question.choices[message.option_index])

    def action_back(self) -> None:
        """Leave the question as it was."""
        self.dismiss(None)
