"""`prerequis questions`: what only a person can answer, and what was answered for a site."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from prerequis.command_line import ExitCode
from prerequis_tui.commands import add_json, write_json

if TYPE_CHECKING:
    import argparse

    from prerequis.v1 import register_pb2, review_pb2
    from prerequis_tui.client import Client

HELP = "liste les questions et les réponses d'un site"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("finess", metavar="FINESS", help="numéro FINESS du site")
    add_json(parser)


async def run(client: Client, options: argparse.Namespace, out: TextIO) -> int:
    """Write every question, with the site's answer."""
    questions = (await client.pack()).questions
    answers = {answer.question: answer for answer in (await client.site(options.finess)).answers}
    if options.json:
        write_json({"questions": [document(one, answers.get(one.id)) for one in questions]}, out)
    else:
        from prerequis_tui.printed.questions import print_questions

        print_questions(questions, answers, options.finess, out)
    return ExitCode.DONE


def document(question: review_pb2.QuestionText, answer: register_pb2.Answer | None) -> dict[str, object]:
    """Return a question as scripts read it; `answer` is null until a person has answered."""
    from prerequis_tui import wording

    return {
        "id": question.id,
        "text": question.text,
        "choices": list(question.choices),
        "answer": answer.choice if answer is not None and answer.HasField("choice") else None,
        "author": answer.author if answer is not None else None,
        "answeredAt": wording.iso(answer.answered_at) if answer is not None else None,
    }
