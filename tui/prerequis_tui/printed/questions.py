"""The questionnaire of a site, as printed: what is not answered yet comes first."""

from collections.abc import Mapping, Sequence
from typing import TextIO

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from prerequis.v1 import register_pb2, review_pb2
from prerequis_tui import printed, wording
from prerequis_tui.wording import Tone


def print_questions(
    questions: Sequence[review_pb2.QuestionText], answers: Mapping[str, register_pb2.Answer], finess: str, out: TextIO
) -> None:
    """Write every question with its choices or its answer, and how to answer."""
    with printed.page(out) as console:
        for question in sorted(questions, key=lambda one: (one.id in answers, one.id)):
            _print_question(console, question, answers.get(question.id))
        waiting = sum(question.id not in answers for question in questions)
        console.print(f"\n{wording.count(waiting, 'question')} sans réponse sur {len(questions)}.")
        if waiting:
            console.print(f"Répondre : prerequis answer {finess} QUESTION CHOIX")


def _print_question(console: Console, question: review_pb2.QuestionText, answer: register_pb2.Answer | None) -> None:
    symbol, tone = ("✔", Tone.GOOD) if answer else ("?", Tone.UNKNOWN)
    if answer:
        said = f"{answer.choice} ({answer.author}, {wording.clock(answer.answered_at)})"
    else:
        said = f"choix : {' | '.join(question.choices)}"
    console.print(Text.assemble(printed.styled(symbol, tone), " ", (question.id, "bold")))
    console.print(Padding(Text.assemble(f"{question.text}\n", printed.styled(said, Tone.MUTED)), (0, 0, 0, 2)))
