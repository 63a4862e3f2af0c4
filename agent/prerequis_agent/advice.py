"""Judges the workstation rules over fresh facts, to tell the technician on the spot what to do.

The only module of the agent that judges; what it finds is shown and never sent.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path

from prerequis.v1.context_pb2 import SiteService, SiteServices
from prerequis.v1.register_pb2 import Site
from prerequis.v1.report_pb2 import Report
from prerequis_rules.judge import judge_site, judge_workstation
from prerequis_rules.load import load_pack
from prerequis_rules.model import Judgement, Level, Verdict
from prerequis_rules.pack import Pack


@dataclass(frozen=True, slots=True)
class Advice:
    """One rule applied to this machine."""

    rule: str
    title: str
    level: str
    verdict: str
    """PASS, FAIL, UNKNOWN or NOT_APPLICABLE."""
    observed: str
    expected: str
    remedy: str


class Light(Enum):
    """How the machine stands, at a glance."""

    RED = "RED"
    """A blocking rule is not met."""
    AMBER = "AMBER"
    """Something is to be corrected, or too little could be verified: a blocking rule, or most of the others."""
    GREEN = "GREEN"


def light(advice: Iterable[Advice]) -> Light:
    """Return the light of a machine; where nothing was decided, or less than was left open, it is never green."""
    marks = Counter((one.verdict, one.level) for one in advice)
    blocking = Level.BLOCKING.value
    if (Verdict.FAIL.value, blocking) in marks:
        return Light.RED
    verdicts = Counter(one for one, _ in marks.elements())
    decided = verdicts[Verdict.PASS.value] + verdicts[Verdict.FAIL.value]
    failed = any(verdict == Verdict.FAIL.value and level != Level.INFO.value for verdict, level in marks)
    if failed or (Verdict.UNKNOWN.value, blocking) in marks or decided <= verdicts[Verdict.UNKNOWN.value]:
        return Light.AMBER
    return Light.GREEN


_LEVELS = list(Level)
_VERDICTS = [Verdict.FAIL, Verdict.UNKNOWN, Verdict.PASS, Verdict.NOT_APPLICABLE]


def advise(report: Report, finess: str, cache: Path | None = None) -> tuple[Advice, ...]:
    """Return what each workstation rule says of a report, the most urgent first.

    The profile is the default one, without the site's own thresholds: only the collector knows those. In the folder
    `cache` the rules are kept as they were read, so that the next time need not type-check them again.
    """
    pack, now = load_pack(cache=cache), datetime.now(UTC)
    judgements = judge_workstation(
        pack,
        report.facts,
        workstation_id=report.workstation.id,
        role=report.workstation.role,
        site=Site(finess=finess),
        profile=pack.default_profile,
        now=now,
    )
    on_site = _of_services(pack, report, finess, now) if report.facts.HasField("services") else ()
    ordered = sorted(
        (*judgements, *on_site),
        key=lambda one: (_VERDICTS.index(one.verdict), _LEVELS.index(pack.rules[one.rule].level), one.rule),
    )
    return tuple(
        Advice(
            rule=one.rule,
            title=pack.rules[one.rule].title,
            level=pack.rules[one.rule].level.value,
            verdict=one.verdict.value,
            observed=one.observed,
            expected=one.expected,
            remedy=pack.rules[one.rule].remedy,
        )
        for one in ordered
    )


def _of_services(pack: Pack, report: Report, finess: str, now: datetime) -> tuple[Judgement, ...]:
    """Return what this machine's own look at the services decides for its site: nothing else is known of it here."""
    found = report.facts.services
    asked = [SiteService(endpoint=endpoint) for endpoint in found.endpoints]
    judgements = judge_site(
        pack,
        site=Site(finess=finess),
        profile=pack.default_profile,
        answers={},
        workstations=(),
        facts=(),
        now=now,
        services=SiteServices(
            asked=asked, observed_at=report.collected_at, automatic_script=found.automatic_script or None
        ),
    )
    return tuple(one for one in judgements if one.verdict in (Verdict.PASS, Verdict.FAIL))
