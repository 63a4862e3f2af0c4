"""Judging a site: its machines' newest facts, its register and its answers, under the pack in force."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from prerequis.v1.context_pb2 import SiteServices
from prerequis.v1.register_pb2 import Answer, Profile, Site
from prerequis.v1.report_pb2 import Report
from prerequis_collector.services.line_results import MOST, samples
from prerequis_collector.services.origins import warnings
from prerequis_collector.services.plan import profile_of
from prerequis_collector.services.reachability import known_services
from prerequis_collector.services.register import require_site, site_message
from prerequis_collector.services.waive import laid
from prerequis_collector.store.agents import Agents
from prerequis_collector.store.answers import AnswerRow, Answers
from prerequis_collector.store.database import Transaction
from prerequis_collector.store.line_measurements import LineMeasurementRow, LineMeasurements
from prerequis_collector.store.reports import Reports
from prerequis_collector.store.sites import SiteRow
from prerequis_collector.store.waivers import WaiverRow, Waivers
from prerequis_rules.judge import judge_site, judge_workstation, lay_waivers, unseen_machines
from prerequis_rules.memory import Memory
from prerequis_rules.model import FrameworkResult, Judged
from prerequis_rules.needs import SiteNeed, site_needs
from prerequis_rules.pack import Pack
from prerequis_rules.score import score_frameworks


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine by its newest report."""

    id: str
    report: Report
    collected_at: datetime
    received_at: datetime
    quarantined: bool = False
    """Several machines have its identity: what it reports is shown and not judged."""
    warnings: Sequence[str] = ()
    """What is odd about its identity, French sentences."""

    @property
    def judged(self) -> Report:
        """What counts of its report: nothing is known of a machine that may be another."""
        return _NOTHING_KNOWN if self.quarantined else self.report


_NOTHING_KNOWN = Report()


@dataclass(frozen=True, slots=True)
class KnownSite:
    """All that is known of a site at one moment."""

    row: SiteRow
    machines: Mapping[str, Machine]
    answers: Mapping[str, Answer]
    services: SiteServices | None = None
    """What was last found of the services that it needs; None while no machine of it asked."""
    measurements: Sequence[LineMeasurementRow] = ()
    """Of its line, the oldest first, without those of an identity in quarantine."""
    waivers: Sequence[WaiverRow] = ()
    """Approved and not ended."""

    @property
    def last_seen(self) -> datetime | None:
        """When its last report came in."""
        return max((machine.received_at for machine in self.machines.values()), default=None)


@dataclass(frozen=True, slots=True)
class JudgedSite:
    """A site under every framework of the pack."""

    site: KnownSite
    subjects: Sequence[Judged]
    """The site, then each of its machines."""
    frameworks: Sequence[FrameworkResult]
    needs: Sequence[SiteNeed]
    judged_at: datetime


def known_site(transaction: Transaction, finess: str) -> KnownSite:
    """Return what is known of the site; raises NotFound."""
    row = require_site(transaction, finess)
    machines = {
        kept.agent_id: Machine(kept.agent_id, Report.FromString(kept.body), kept.collected_at, kept.received_at)
        for kept in Reports(transaction).newest_of_site(finess)
    }
    odd_agents = Agents(transaction).odd(finess)
    for odd in odd_agents:
        if odd.id in machines:
            machines[odd.id] = replace(machines[odd.id], quarantined=odd.quarantined, warnings=warnings(odd))
    answers = {kept.question: answer_message(kept) for kept in Answers(transaction).newest_of_site(finess)}
    copied = {odd.id for odd in odd_agents if odd.quarantined}
    newest = LineMeasurements(transaction).newest_of_site(finess, MOST)
    measurements = [row for row in newest if row.agent_id not in copied]
    services, waivers = known_services(transaction, finess), Waivers(transaction).approved(finess)
    return KnownSite(row, machines, answers, services, measurements, waivers)


def judge_machine(
    pack: Pack, site: Site, profile: Profile, machine: Machine, now: datetime, memory: Memory | None = None
) -> Judged:
    """Return a machine as it stands at a site, by its profile, under the pack at this moment."""
    return judge_workstation(
        pack,
        machine.judged.facts,
        workstation_id=machine.id,
        role=machine.judged.workstation.role,
        site=site,
        profile=profile,
        now=now,
        memory=memory,
    )


def judge(pack: Pack, known: KnownSite, now: datetime, memory: Memory | None = None) -> JudgedSite:
    """Return the site as it stands under the pack at this moment; a memory must be of the same pack and moment."""
    site, profile = site_message(known.row), profile_of(pack, known.row)
    memory = memory or Memory(pack)
    workstations = [judge_machine(pack, site, profile, machine, now, memory) for machine in known.machines.values()]
    of_site = judge_site(
        pack,
        site=site,
        profile=profile,
        answers=known.answers,
        workstations=workstations,
        facts=[machine.judged.facts for machine in known.machines.values()],
        services=known.services,
        samples=samples(known.measurements, now),
        now=now,
        memory=memory,
    )
    subjects: Sequence[Judged] = (of_site, *workstations)
    if known.waivers:
        subjects = lay_waivers(subjects, laid(pack, known.waivers, list(known.machines)), now)
    unseen = unseen_machines(site, len(workstations))
    frameworks = score_frameworks(pack, subjects, unseen=unseen)
    return JudgedSite(known, subjects, frameworks, site_needs(pack, subjects), now)


def answer_message(kept: AnswerRow) -> Answer:
    """Return a kept answer as rules and people see it."""
    answer = Answer(question=kept.question, choice=kept.choice, author=kept.author, comment=kept.comment)
    answer.answered_at.FromDatetime(kept.answered_at)
    return answer
