"""Which answers of people still count."""

import calendar
from collections.abc import Mapping
from datetime import UTC, datetime

from prerequis.v1.register_pb2 import Answer
from prerequis_rules.model import Question

NO_ANSWER = "ne sait pas"
"""The choice by which a person says that the answer is not known."""


def standing(questions: Mapping[str, Question], answers: Mapping[str, Answer], now: datetime) -> dict[str, Answer]:
    """Return the answers that count on a day, by question id.

    Left out: an answer to no question of the pack, one that the question does not offer, "ne sait pas", one without a
    date, and one older than the question's months of validity.
    """
    return {
        identifier: answer
        for identifier, answer in answers.items()
        if (question := questions.get(identifier)) is not None
        and answer.choice in question.choices
        and answer.choice != NO_ANSWER
        and answer.HasField("answered_at")
        and now <= _months_later(answer.answered_at.ToDatetime(UTC), question.valid_months)
    }


def _months_later(start: datetime, months: int) -> datetime:
    """Return the same day of a later month, or that month's last day."""
    years, month = divmod(start.month - 1 + months, 12)
    year, month = start.year + years, month + 1
    return start.replace(year=year, month=month, day=min(start.day, calendar.monthrange(year, month)[1]))
