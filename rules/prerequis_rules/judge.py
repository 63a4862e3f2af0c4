"""Judging: every workstation rule applied to a machine, every site rule to a site."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from prerequis.v1.context_pb2 import Derived, SiteMeasures
from prerequis.v1.facts_pb2 import Facts
from prerequis.v1.register_pb2 import Answer, Profile, Site
from prerequis.v1.report_pb2 import Workstation
from prerequis_rules.answers import standing
from prerequis_rules.context import known
from prerequis_rules.derive import derive
from prerequis_rules.ends import Ends, apply
from prerequis_rules.measures import measures_of
from prerequis_rules.messages import moment
from prerequis_rules.model import Count, Judgement, Scope, Verdict, Waiver
from prerequis_rules.pack import Pack


def judge_workstation(
    pack: Pack,
    facts: Facts,
    *,
    workstation_id: str,
    role: Workstation.Role.ValueType,
    site: Site,
    profile: Profile,
    now: datetime,
) -> tuple[Judgement, ...]:
    """Return every workstation rule applied to one machine, in the order of the rules' ids.

    A role of ROLE_UNSPECIFIED is not known. `profile` is the site's own, overrides included (context.laid_over).
    """
    declared = Workstation.Role.Name(role).lower() if role else None
    ends = workstation_ends(facts, declared, site, profile, derive(facts, pack.knowledge, now), now)
    return tuple(apply(rule, pack.programs[rule.id], workstation_id, ends) for rule in pack.of_scope(Scope.WORKSTATION))


def judge_site(
    pack: Pack,
    *,
    site: Site,
    profile: Profile,
    answers: Mapping[str, Answer],
    workstations: Mapping[str, Sequence[Judgement]],
    facts: Iterable[Facts],
    now: datetime,
) -> tuple[Judgement, ...]:
    """Return every site rule applied to one site, in the order of the rules' ids.

    `answers` are by question id; `workstations` holds, by workstation id, what judge_workstation gave; `facts` are the
    newest of the same machines.
    """
    counts = count(pack, workstations, unseen_machines(site, len(workstations)))
    ends = site_ends(site, profile, standing(pack.questions, answers, now), counts, measures_of(facts), now)
    return tuple(apply(rule, pack.programs[rule.id], site.finess, ends) for rule in pack.of_scope(Scope.SITE))


def lay_waivers(judgements: Iterable[Judgement], waivers: Iterable[Waiver], now: datetime) -> tuple[Judgement, ...]:
    """Return the judgements with `waived` set on each FAIL that a waiver in force covers; the verdict stays."""
    in_force = {(waiver.rule, waiver.subject) for waiver in waivers if now < waiver.expires}
    return tuple(
        replace(one, waived=one.verdict is Verdict.FAIL and (one.rule, one.subject) in in_force) for one in judgements
    )


def unseen_machines(site: Site, seen: int) -> int | None:
    """Return how many machines of a site nobody has seen; None when the register does not say how many it has."""
    return max(0, site.workstations - seen) if site.HasField("workstations") else None


def count(pack: Pack, workstations: Mapping[str, Sequence[Judgement]], unseen: int | None) -> dict[str, Count]:
    """Return how a site's machines fare, by workstation rule id; machines that nobody has seen are unknown."""
    verdicts: dict[str, list[Verdict]] = {rule.id: [] for rule in pack.of_scope(Scope.WORKSTATION)}
    for judgements in workstations.values():
        for judgement in judgements:
            verdicts[judgement.rule].append(judgement.verdict)
    return {
        rule: Count(
            passed=given.count(Verdict.PASS),
            failed=given.count(Verdict.FAIL),
            unknown=given.count(Verdict.UNKNOWN) + (unseen or 0),
            unbounded=unseen is None,
        )
        for rule, given in verdicts.items()
    }


def workstation_ends(
    facts: Facts, role: str | None, site: Site, profile: Profile, derived: Derived, now: datetime
) -> Ends:
    """Return what a workstation rule is evaluated over: the fields of WorkstationContext."""
    return Ends.of_workstation(
        {
            "facts": known(facts),
            "workstation": {} if role is None else {"role": role},
            "site": known(site),
            "profile": known(profile),
            "derived": known(derived),
            "now": moment(now),
        }
    )


def site_ends(
    site: Site,
    profile: Profile,
    answers: Mapping[str, Answer],
    counts: Mapping[str, Count],
    measures: SiteMeasures,
    now: datetime,
) -> Ends:
    """Return what a site rule is evaluated over: the fields of SiteContext, at both ends."""
    return Ends.of_site(
        {
            "site": known(site),
            "profile": known(profile),
            "answers": {question: known(answer) for question, answer in answers.items()},
            "measures": known(measures),
            "now": moment(now),
        },
        counts,
    )
