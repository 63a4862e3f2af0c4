"""The questions that can be answered about a site, and their answers."""

from collections.abc import Iterable, Mapping, Sequence

from prerequis.v1 import register_pb2, review_pb2
from prerequis_tui import wording
from prerequis_tui.widgets.line_list import Column, LineList, Spans
from prerequis_tui.wording import Tone

Question = review_pb2.QuestionText


class QuestionList(LineList[Question]):
    """One line for each question; what waits for an answer comes first."""

    def __init__(self, *, id: str) -> None:
        columns: Sequence[Column[Question]] = (
            Column("", lambda one: [("✔", Tone.GOOD) if one.id in self.answers else ("?", Tone.UNKNOWN)], 1),
            Column("Question", lambda one: [(one.text, Tone.PLAIN)]),
            Column("Réponse", self._choice, 14),
            Column("Par", lambda one: [(self._answer(one).author, Tone.MUTED)], 14, from_width=100),
            Column("Le", lambda one: [(wording.date(self._answer(one).answered_at), Tone.MUTED)], 10, from_width=116),
        )
        super().__init__(columns, lambda one: one.id, "Aucune question.", id=id)
        self.answers: Mapping[str, register_pb2.Answer] = {}
        """By question."""

    def fill(self, questions: Iterable[Question], answers: Iterable[register_pb2.Answer]) -> None:
        """List the questions with the answers as they are now."""
        self.answers = {one.question: one for one in answers}
        asked: list[Question] = sorted(questions, key=lambda one: (one.id in self.answers, one.id))
        self.show(asked)

    def _answer(self, question: Question) -> register_pb2.Answer:
        return self.answers.get(question.id, register_pb2.Answer())

    def _choice(self, question: Question) -> Spans:
        answer = self.answers.get(question.id)
        return [(answer.choice, Tone.PLAIN)] if answer else [("sans réponse", Tone.MUTED)]
