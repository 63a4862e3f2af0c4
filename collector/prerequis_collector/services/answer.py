"""What people answer to the pack's questions."""

from datetime import datetime

from prerequis.v1.register_pb2 import Answer
from prerequis_collector.errors import InvalidInput, NotFound
from prerequis_collector.services.audit import note, operator
from prerequis_collector.services.judge import answer_message
from prerequis_collector.services.register import require_site
from prerequis_collector.store.answers import AnswerRow, Answers
from prerequis_collector.store.database import Transaction
from prerequis_collector.store.sites import Sites
from prerequis_rules.pack import Pack

_LONGEST_COMMENT = 2000


def save_answer(
    transaction: Transaction,
    pack: Pack,
    *,
    finess: str,
    question: str,
    choice: str,
    comment: str,
    author: str,
    now: datetime,
) -> Answer:
    """Keep the answer and return it as kept; raises NotFound, InvalidInput."""
    require_site(transaction, finess)
    asked = pack.questions.get(question)
    if asked is None:
        raise NotFound(f"Il n'y a pas de question « {question} » ; voir « prerequis questions ».")
    if choice not in asked.choices:
        raise InvalidInput(f"« {choice} » n'est pas un choix ; choisir parmi : {', '.join(asked.choices)}.")
    if len(comment) > _LONGEST_COMMENT:
        raise InvalidInput(f"Le commentaire dépasse {_LONGEST_COMMENT} caractères.")
    answer = AnswerRow(finess=finess, question=question, choice=choice, comment=comment, author=author, answered_at=now)
    Answers(transaction).add(answer)
    Sites(transaction).touch(finess)
    note(transaction, operator(author), "answer.save", finess, now, question=question, choice=choice)
    return answer_message(answer)
