"""The questionnaire of a site, as printed: what is not answered yet comes first."""

from collections.abc import Mapping, Sequence
from typing import TextIO

from rich.text import Text

from prerequis.v1 import register_pb2, review_pb2
from prerequis_tui import printed, wording
from prerequis_tui.wording import Tone


def print_questions(
    questions: Sequence[review_pb2.QuestionText], answers: Mapping[str, register_pb2.Answer], finess: str, out: TextIO
) -> None:
    """Write every question with its choices or its answer, and how to answer."""
    console = printed.console(out)
    for question in sorted(questions, key=lambda one: (one.id in answers, one.id)):
        answer = answers.get(question.id)
        symbol, tone = ("✔", Tone.GOOD) if answer else ("?", Tone.UNKNOWN)
        console.print(Text.assemble(printed.styled(symbol, tone), " ", (question.id, "bold"), f"  {question.text}"))
        if answer:
            said = f"{answer.choice} ({answer.author}, {wording.clock(answer.answered_at)})"
        else:
            said = f"choix : {' | '.join(question.choices)}"
        console.print(printed.styled(f"    {said}", Tone.MUTED))
    waiting = sum(question.id not in answers for question in questions)
    console.print(f"\n{wording.count(waiting, 'question')} sans réponse sur {len(questions)}.")
    if waiting:
        console.print(f"Répondre : prerequis answer {finess} QUESTION CHOIX")
