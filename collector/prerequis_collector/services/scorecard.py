"""A judged site and the pack in force, as messages for the people who decide."""

from collections.abc import Iterator

from prerequis.v1 import judgement_pb2 as wire
from prerequis.v1.context_pb2 import SiteMeasures
from prerequis.v1.review_pb2 import (
    FrameworkText,
    GetPackResponse,
    GetSiteResponse,
    MappedFrameworkRequirement,
    QuestionText,
    RuleText,
    WorkstationSummary,
)
from prerequis_collector.services.judge import JudgedSite, Machine
from prerequis_collector.services.line_results import samples
from prerequis_collector.services.parameters import parameters_of
from prerequis_collector.services.plan import profile_of
from prerequis_collector.services.programme import due, goals
from prerequis_collector.services.register import site_message
from prerequis_rules import reasons
from prerequis_rules.age import warnings
from prerequis_rules.answers import standing
from prerequis_rules.judge import unseen_machines
from prerequis_rules.measures import measures_of
from prerequis_rules.model import Framework, FrameworkResult, Judgement, Rule, Scope, Score, Verdict
from prerequis_rules.pack import Pack


def scorecard(pack: Pack, judged: JudgedSite) -> GetSiteResponse:
    """Return everything that is shown of one site."""
    site = site_message(judged.site.row)
    deadline = due(pack, judged.site.row)
    if deadline is not None:
        site.deadline.CopyFrom(deadline)
    measures = _measures(judged)
    return GetSiteResponse(
        site=site,
        frameworks=[_framework(pack, judged, measures, result) for result in judged.frameworks],
        workstations=[_workstation(machine) for machine in judged.site.machines.values()],
        answers=list(judged.site.answers.values()),
        pack_digest=pack.digest,
        parameters=parameters_of(pack, judged.site.row),
        warnings=warnings(pack.knowledge, judged.judged_at.date()),
        lot=goals(pack, judged.site.row),
    )


def score_message(score: Score | None) -> wire.Score:
    """Return the score; each part stays unset when no rule applies."""
    return wire.Score() if score is None else wire.Score(low=score.low, high=score.high, coverage=score.coverage)


def pack_message(pack: Pack) -> GetPackResponse:
    """Return every rule, question and framework as text."""
    rules = [
        RuleText(
            id=rule.id,
            title=rule.title,
            scope=rule.scope,
            level=rule.level,
            met=rule.met,
            remedy=rule.remedy,
            source_document=rule.source.document,
            source_quote=rule.source.quote,
        )
        for rule in pack.rules.values()
    ]
    questions = [
        QuestionText(id=question.id, text=question.text, choices=question.choices, evidence=question.evidence)
        for question in pack.questions.values()
    ]
    return GetPackResponse(digest=pack.digest, rules=rules, questions=questions, frameworks=_texts(pack))


def _texts(pack: Pack) -> Iterator[FrameworkText]:
    for framework in pack.frameworks.values():
        yield FrameworkText(
            id=framework.id, title=framework.title, attribution=framework.attribution, urn=framework.urn or ""
        )
    for mapped in pack.correspondences.values():
        yield FrameworkText(
            id=mapped.id,
            title=mapped.title,
            attribution=mapped.attribution,
            urn=mapped.urn or "",
            note=mapped.note,
            mapped=[
                MappedFrameworkRequirement(id=one.id, title=one.title, requirements=one.requirements)
                for one in mapped.requirements
            ],
        )


def _measures(judged: JudgedSite) -> SiteMeasures:
    """Return what the machines of the site measured, and the services that one of them asked."""
    facts = (machine.judged.facts for machine in judged.site.machines.values())
    measures = measures_of(facts, samples(judged.site.measurements, judged.judged_at))
    if judged.site.services is not None:
        measures.services.CopyFrom(judged.site.services)
    return measures


def _framework(pack: Pack, judged: JudgedSite, measures: SiteMeasures, result: FrameworkResult) -> wire.FrameworkResult:
    framework = pack.frameworks[result.framework]
    return wire.FrameworkResult(
        id=framework.id,
        title=framework.title,
        readiness=wire.Readiness.Value(result.readiness),
        score=score_message(result.score),
        verdicts=[_judgement(pack, judged, measures, one) for one in result.judgements],
        requirements=_requirements(framework),
        attribution=framework.attribution,
    )


def _requirements(framework: Framework) -> Iterator[wire.RequirementResult]:
    for requirement in framework.requirements:
        yield wire.RequirementResult(
            id=requirement.id,
            title=requirement.title,
            rules=requirement.rules,
            questions=requirement.questions,
            covered=requirement.covered,
            reinforced=requirement.reinforced,
        )


_DECLARED = "D'après le registre et les réponses seulement : aucun poste du site n'a rendu compte."
_MEASURED = (
    "D'après le registre, les réponses et ce qui a été mesuré du réseau du site : aucun de ses postes n'a rendu compte."
)


def _judgement(pack: Pack, judged: JudgedSite, measures: SiteMeasures, one: Judgement) -> wire.Judgement:
    rule = pack.rules[one.rule]
    message = wire.Judgement(
        rule=rule.id,
        title=rule.title,
        scope=rule.scope,
        subject=one.subject,
        subject_name=judged.site.row.name,
        level=rule.level,
        verdict=wire.Judgement.Verdict.Value(one.verdict),
        waived=one.waived,
        observed=one.observed,
        expected=one.expected,
        remedy=rule.remedy,
        source_document=pack.document(rule.source),
        source_quote=rule.source.quote,
    )
    message.judged_at.FromDatetime(judged.judged_at)
    if rule.scope is Scope.WORKSTATION:
        machine = judged.site.machines[one.subject]
        message.subject_name = machine.report.workstation.hostname or machine.id
        message.collected_at.FromDatetime(machine.collected_at)
        message.received_at.FromDatetime(machine.received_at)
    if one.verdict is Verdict.UNKNOWN:
        message.reasons.extend(_reasons(pack, judged, measures, one, rule))
    elif one.verdict is Verdict.FAIL and not judged.site.machines:
        is_measured = judged.site.measurements or judged.site.services is not None
        message.reasons.append(_MEASURED if is_measured else _DECLARED)
    return message


def _reasons(pack: Pack, judged: JudgedSite, measures: SiteMeasures, one: Judgement, rule: Rule) -> list[str]:
    profile = profile_of(pack, judged.site.row)
    if rule.scope is Scope.WORKSTATION:
        machine = judged.site.machines[one.subject]
        if machine.quarantined:
            return ["Plusieurs machines ont la même identité : aucune n'est jugée."]
        report = machine.report
        return reasons.of_workstation(
            rule, report.probes, role_known=report.workstation.HasField("role"), profile=profile
        )
    site = site_message(judged.site.row)
    answered = standing(pack.questions, judged.site.answers, judged.judged_at)
    unseen = unseen_machines(site, len(judged.site.machines))
    return reasons.of_site(pack, rule, site, answered, unseen=unseen, profile=profile, measures=measures)


def _workstation(machine: Machine) -> WorkstationSummary:
    summary = WorkstationSummary(
        id=machine.id,
        workstation=machine.report.workstation,
        probes=machine.report.probes,
        warnings=machine.warnings,
        quarantined=machine.quarantined,
    )
    summary.collected_at.FromDatetime(machine.collected_at)
    summary.received_at.FromDatetime(machine.received_at)
    return summary
