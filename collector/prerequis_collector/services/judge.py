"""Judging a site: its machines' newest facts, its register and its answers, under the pack in force."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from prerequis.v1.context_pb2 import SiteServices
from prerequis.v1.register_pb2 import Answer, Profile, Site
from prerequis.v1.report_pb2 import Report
from prerequis_collector.services.line_results import MOST, samples
from prerequis_collector.services.origins import apart, warnings
from prerequis_collector.services.plan import profile_of
from prerequis_collector.services.register import require_site, site_message
from prerequis_collector.services.waive import laid
from prerequis_collector.store.agents import AgentRow, Agents
from prerequis_collector.store.answers import AnswerRow, Answers
from prerequis_collector.store.database import Transaction
from prerequis_collector.store.line_measurements import LineMeasurementRow, LineMeasurements
from prerequis_collector.store.reports import ReportRow, Reports
from prerequis_collector.store.site_services import KnownServices
from prerequis_collector.store.sites import SiteRow, Sites
from prerequis_collector.store.waivers import WaiverRow, Waivers
from prerequis_rules.judge import judge_site, judge_workstation, lay_waivers, unseen_machines
from prerequis_rules.memory import Memory
from prerequis_rules.model import FrameworkResult, Judged
from prerequis_rules.needs import SiteNeed, site_needs
from prerequis_rules.pack import Pack
from prerequis_rules.score import score_frameworks

OfSite = TypeVar("OfSite", AgentRow, AnswerRow, WaiverRow)


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
    odd: Sequence[AgentRow] = ()
    """Its agents in quarantine, or that went back in time."""
    answers: Mapping[str, Answer] = field(default_factory=dict)
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
    (site,) = known_but_machines(transaction, [finess])
    return with_machines(site, Reports(transaction).newest_of_site(finess))


def known_but_machines(transaction: Transaction, finesses: Sequence[str]) -> list[KnownSite]:
    """Return what is known of the sites, in their order, without any machine of them; raises NotFound."""
    rows, measured = Sites(transaction).some(finesses), LineMeasurements(transaction).measured(finesses)
    odd = _by_site(Agents(transaction).odd_of(finesses))
    answers = _by_site(Answers(transaction).newest_of_sites(finesses))
    services = {kept.finess: SiteServices.FromString(kept.body) for kept in KnownServices(transaction).some(finesses)}
    waivers = _by_site(Waivers(transaction).approved(finesses))
    return [
        KnownSite(
            rows.get(finess) or require_site(transaction, finess),
            {},
            odd[finess],
            {kept.question: answer_message(kept) for kept in answers[finess]},
            services.get(finess),
            _measurements(transaction, finess, odd[finess]) if finess in measured else (),
            waivers[finess],
        )
        for finess in finesses
    ]


def with_machines(site: KnownSite, newest: Iterable[ReportRow]) -> KnownSite:
    """Return the site with its machines by their newest reports."""
    machines = {
        kept.agent_id: Machine(kept.agent_id, Report.FromString(kept.body), kept.collected_at, kept.received_at)
        for kept in newest
    }
    for odd in site.odd:
        if odd.id in machines:
            machines[odd.id] = replace(machines[odd.id], quarantined=odd.quarantined, warnings=warnings(odd))
    return replace(site, machines=machines)


def _measurements(transaction: Transaction, finess: str, odd: Iterable[AgentRow]) -> Sequence[LineMeasurementRow]:
    copied = apart(odd)
    newest = LineMeasurements(transaction).newest_of_site(finess, MOST)
    return [row for row in newest if row.measured_by not in copied]


def _by_site(rows: Iterable[OfSite]) -> defaultdict[str, list[OfSite]]:
    found: defaultdict[str, list[OfSite]] = defaultdict(list)
    for row in rows:
        found[row.finess].append(row)
    return found


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
