"""How far the observation of a site is, for the technician who is still there."""

from datetime import datetime

from prerequis.v1.measurement_pb2 import SiteProgress
from prerequis_collector.services.judge import answer_message
from prerequis_collector.store.agents import Agents
from prerequis_collector.store.answers import Answers
from prerequis_collector.store.database import Transaction
from prerequis_collector.store.sites import SiteRow
from prerequis_rules.answers import standing
from prerequis_rules.pack import Pack


def site_progress(transaction: Transaction, pack: Pack, site: SiteRow, now: datetime) -> SiteProgress:
    """Return how many machines have reported and how many questions have an answer that counts."""
    answers = {kept.question: answer_message(kept) for kept in Answers(transaction).newest_of_site(site.finess)}
    progress = SiteProgress(
        workstations_seen=sum(agent.last_seen is not None for agent in Agents(transaction).of_site(site.finess)),
        questions=len(pack.questions),
        questions_answered=len(standing(pack.questions, answers, now)),
    )
    if site.workstations is not None:
        progress.workstations = site.workstations
    return progress
