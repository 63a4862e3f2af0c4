"""What workers tell screens: they post these and touch nothing."""

from collections.abc import Sequence

from textual.message import Message

from prerequis.v1 import line_review_pb2, ordering_pb2, review_pb2, services_review_pb2
from prerequis_tui.errors import OperatorError


class SitesLoaded(Message):
    """Every site came."""

    def __init__(self, listed: review_pb2.ListSitesResponse) -> None:
        super().__init__()
        self.listed = listed


class JudgingCounted(Message):
    """The collector told how many sites are still being judged."""

    def __init__(self, being_judged: int) -> None:
        super().__init__()
        self.being_judged = being_judged


class JudgingLost(Message):
    """What the screen asked of itself, and no person did, was not answered."""

    def __init__(self, error: OperatorError) -> None:
        super().__init__()
        self.error = error


class SiteLoaded(Message):
    """One site came, with the questions that can be answered about it.

    `needs` is None when the operator may not see them, `line` and `services` when the collector does not tell of them.
    """

    def __init__(
        self,
        site: review_pb2.GetSiteResponse,
        questions: Sequence[review_pb2.QuestionText],
        needs: ordering_pb2.ListNeedsResponse | None,
        line: line_review_pb2.GetLineResponse | None,
        services: services_review_pb2.GetServicesResponse | None,
    ) -> None:
        super().__init__()
        self.site = site
        self.questions = questions
        self.needs = needs
        self.line = line
        self.services = services


class CallFailed(Message):
    """The collector gave no answer, or said no."""

    def __init__(self, error: OperatorError) -> None:
        super().__init__()
        self.error = error


class AnswerKept(Message):
    """The collector kept an answer; what it judges has changed."""
