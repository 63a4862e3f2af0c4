"""Judging: every workstation rule applied to a machine, every site rule to a site."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import compress

from prerequis.v1.context_pb2 import Derived, SiteMeasures, SiteServices
from prerequis.v1.facts_pb2 import Facts
from prerequis.v1.register_pb2 import Answer, Profile, Site
from prerequis.v1.report_pb2 import Workstation
from prerequis_rules.answers import standing
from prerequis_rules.context import known
from prerequis_rules.derive import derive
from prerequis_rules.ends import Ends, TextsOf, apply
from prerequis_rules.measures import LineSample, measures_of
from prerequis_rules.memory import Memory, Seen
from prerequis_rules.messages import moment
from prerequis_rules.model import Count, Judged, Outcome, Scope, Verdict, Waiver, by_rule, counted
from prerequis_rules.pack import Pack
from prerequis_rules.reads import WHOLE, Part
from prerequis_rules.services import described


def judge_workstation(
    pack: Pack,
    facts: Facts,
    *,
    workstation_id: str,
    role: Workstation.Role.ValueType,
    site: Site,
    profile: Profile,
    now: datetime,
    memory: Memory | None = None,
) -> Judged:
    """Return every workstation rule applied to one machine, in the order of the rules' ids.

    A role of ROLE_UNSPECIFIED is not known. `profile` is the site's own, overrides included (context.laid_over). With a
    memory of the same pack and moment, rules need not be asked again what they have been asked before.
    """
    declared = Workstation.Role.Name(role).lower() if role else None
    derived, meant = memory.derived(facts, now) if memory else (derive(facts, pack.knowledge, now), Seen())

    def ends(parts: Collection[Part] | None = None) -> Ends:
        return workstation_ends(facts, declared, site, profile, derived, now, parts)

    if memory is None:
        return _judged(pack, Scope.WORKSTATION, workstation_id, ends)
    seen = {**memory.seen(facts=facts, site=site, profile=profile), **meant, "workstation.role": declared}
    outcomes = memory.outcomes(Scope.WORKSTATION, seen, ends)
    return _judged(pack, Scope.WORKSTATION, workstation_id, ends, outcomes)


def judge_site(
    pack: Pack,
    *,
    site: Site,
    profile: Profile,
    answers: Mapping[str, Answer],
    workstations: Collection[Judged],
    facts: Iterable[Facts],
    now: datetime,
    services: SiteServices | None = None,
    samples: Sequence[LineSample] = (),
    memory: Memory | None = None,
) -> Judged:
    """Return every site rule applied to one site, in the order of the rules' ids.

    `answers` are by question id; `workstations` holds what judge_workstation gave of each; `facts` are the
    newest of the same machines; `services` is what was last found of those that the site needs; `samples` are the
    measurements of its line that count. A memory spares work as for judge_workstation.
    """
    counts = count(pack, workstations, unseen_machines(site, len(workstations)))
    answered, measures = standing(pack.questions, answers, now), measures_of(facts, samples)
    if services is not None:
        measures.services.CopyFrom(described(services, profile, pack.knowledge))

    def ends(parts: Collection[Part] | None = None) -> Ends:
        return site_ends(site, profile, answered, counts, measures, now, parts)

    if memory is None:
        return _judged(pack, Scope.SITE, site.finess, ends)
    seen = memory.seen(site=site, profile=profile, measures=measures)
    seen.update((f"answers.{question}", answer.SerializeToString()) for question, answer in answered.items())
    seen.update((f"tally.{rule}", one) for rule, one in counts.items())
    return _judged(pack, Scope.SITE, site.finess, ends, memory.outcomes(Scope.SITE, seen, ends))


def _judged(
    pack: Pack,
    scope: Scope,
    subject: str,
    ends: Callable[[Collection[Part] | None], Ends],
    outcomes: Iterable[Outcome] | None = None,
) -> Judged:
    texts, rules = TextsOf(pack, ends), pack.ids[scope]
    if outcomes is None:
        outcomes = [apply(pack.programs[rule], texts.ends) for rule in rules]
    verdicts, needs = zip(*outcomes, strict=True) if rules else ((), ())
    return Judged(subject, rules, verdicts, dict(compress(zip(rules, needs, strict=True), needs)), texts)


def lay_waivers(subjects: Iterable[Judged], waivers: Iterable[Waiver], now: datetime) -> tuple[Judged, ...]:
    """Return the subjects with each rule `waived` whose FAIL a waiver in force covers; the verdict stays."""
    in_force: dict[str, set[str]] = {}
    for waiver in waivers:
        if now < waiver.expires:
            in_force.setdefault(waiver.subject, set()).add(waiver.rule)
    return tuple(
        replace(one, waived=_failed(one).intersection(in_force[one.subject])) if one.subject in in_force else one
        for one in subjects
    )


def _failed(one: Judged) -> frozenset[str]:
    return frozenset(rule for rule, verdict in zip(one.rules, one.verdicts, strict=True) if verdict is Verdict.FAIL)


def unseen_machines(site: Site, seen: int) -> int | None:
    """Return how many machines of a site nobody has seen; None when the register does not say how many it has."""
    return max(0, site.workstations - seen) if site.HasField("workstations") else None


def count(pack: Pack, workstations: Iterable[Judged], unseen: int | None) -> dict[str, Count]:
    """Return how a site's machines fare, by workstation rule id; machines that nobody has seen are unknown."""
    verdicts = by_rule(workstations)
    return {rule: _count(verdicts.get(rule, ()), unseen) for rule in pack.ids[Scope.WORKSTATION]}


def _count(verdicts: tuple[Verdict, ...], unseen: int | None) -> Count:
    passed, failed, unknown = counted(verdicts)
    return Count(passed, failed, unknown + (unseen or 0), unseen is None)


def workstation_ends(
    facts: Facts,
    role: str | None,
    site: Site,
    profile: Profile,
    derived: Derived,
    now: datetime,
    parts: Collection[Part] | None = None,
) -> Ends:
    """Return what a workstation rule is evaluated over: the fields of WorkstationContext, or these parts of them."""
    only = partial(_only, parts)
    return Ends(
        {
            "facts": known(facts, only("facts")),
            "workstation": {} if role is None else {"role": role},
            "site": known(site, only("site")),
            "profile": known(profile, only("profile")),
            "derived": known(derived, only("derived")),
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
    parts: Collection[Part] | None = None,
) -> Ends:
    """Return what a site rule is evaluated over: the fields of SiteContext, at both ends, or these parts of them."""
    only = partial(_only, parts)
    questions, rules = only("answers"), only("tally")
    return Ends(
        {
            "site": known(site, only("site")),
            "profile": known(profile, only("profile")),
            "answers": {one: known(answer) for one, answer in answers.items() if questions is None or one in questions},
            "measures": known(measures, only("measures")),
            "now": moment(now),
        },
        {rule: one for rule, one in counts.items() if rules is None or rule in rules},
    )


def _only(parts: Collection[Part] | None, variable: str) -> Collection[str] | None:
    """Return the fields of a variable that are among the parts; None for all of them."""
    fields = frozenset(field for one, field in parts or () if one == variable)
    return None if parts is None or WHOLE in fields else fields
