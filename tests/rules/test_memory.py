"""What is remembered changes nothing of what is said."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.rules.said import Said, subjects
from tests.rules.strategies import messages

from prerequis.v1.context_pb2 import SiteContext, WorkstationContext
from prerequis.v1.facts_pb2 import Facts
from prerequis.v1.register_pb2 import Answer, Profile, Site
from prerequis.v1.report_pb2 import Workstation
from prerequis_rules import memory
from prerequis_rules.judge import judge_site, judge_workstation
from prerequis_rules.memory import Memory, Seen
from prerequis_rules.messages import moment
from prerequis_rules.model import Judgement, Outcome, Scope, Verdict
from prerequis_rules.pack import Pack
from prerequis_rules.reads import reads_of

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def told(judgements: Sequence[Judgement]) -> list[tuple[object, ...]]:
    return [(one[:4], one.observed, one.expected, one.waived) for one in judgements]


def whole_site(
    pack: Pack, facts: Sequence[Facts], answers: Sequence[Answer], remembered: Memory | None
) -> list[tuple[object, ...]]:
    site = Site(finess="750000001", professionals=len(answers), workstations=3)
    machines = [
        judge_workstation(
            pack, one, workstation_id=str(number), role=Workstation.CARE, site=site, profile=pack.default_profile,
            now=NOW, memory=remembered,
        )
        for number, one in enumerate(facts)
    ]  # fmt: skip
    on_site = judge_site(
        pack, site=site, profile=pack.default_profile, answers={one.question: one for one in answers},
        workstations=machines, facts=facts, now=NOW, memory=remembered,
    )  # fmt: skip
    return told([*on_site, *(one for of_machine in machines for one in of_machine)])


SITES = st.tuples(st.lists(messages(Facts), max_size=3), st.lists(st.integers(0, 10_000), max_size=4))


@given(st.lists(SITES, min_size=1, max_size=2))
@settings(max_examples=25, phases=[Phase.generate])
def test_any_two_sites_are_judged_alike_with_a_memory_and_without(
    shipped: Pack, sites: list[tuple[list[Facts], list[int]]]
) -> None:
    remembered, choices = (
        Memory(shipped),
        [(one.id, choice) for one in shipped.questions.values() for choice in one.choices],
    )
    for facts, chosen in sites:
        picked = [choices[number % len(choices)] for number in chosen]
        answers = [Answer(question=one, choice=choice, answered_at=moment(NOW)) for one, choice in picked]
        alone = whole_site(shipped, facts, answers, None)
        assert whole_site(shipped, facts, answers, remembered) == alone
        assert whole_site(shipped, facts, answers, remembered) == alone


def cases_facts(pack: Pack) -> list[Facts]:
    contexts = [case.context for rule in pack.of_scope(Scope.WORKSTATION) for case in rule.cases]
    return [context.facts for context in contexts if isinstance(context, WorkstationContext)]


def test_every_machine_of_the_cases_is_judged_alike_with_a_memory_that_is_soon_full(
    shipped: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "_MOST", 3)
    remembered, site, profile = Memory(shipped), Site(finess="750000001"), shipped.default_profile
    for number, facts in enumerate(cases_facts(shipped)[::5]):
        role = list(Workstation.Role.values())[number % 5]
        alone, with_memory = (
            judge_workstation(
                shipped, facts, workstation_id="pc", role=role, site=site, profile=profile, now=NOW, memory=one
            )
            for one in (None, remembered)
        )
        assert [one[:4] for one in with_memory] == [one[:4] for one in alone]


def test_a_text_told_alone_is_the_one_told_among_all(shipped: Pack) -> None:
    facts, site, profile = (
        cases_facts(shipped)[::40],
        Site(finess="750000001", professionals=9),
        shipped.default_profile,
    )
    machines = [
        judge_workstation(
            shipped, one, workstation_id="pc", role=Workstation.CARE, site=site, profile=profile, now=NOW
        )
        for one in facts
    ]  # fmt: skip
    on_site = judge_site(
        shipped, site=site, profile=profile, answers={}, workstations=machines, facts=facts, now=NOW
    )  # fmt: skip
    told = [(one.rule, one.observed) for judged in (on_site, *machines) for one in judged]
    alone = [(rule, judged.texts.observed_alone(rule)) for judged in (on_site, *machines) for rule in judged.rules]
    assert alone == told
    assert any(text for _, text in told)


@pytest.mark.parametrize(
    ("expression", "read"),
    [
        ("facts.os.build > 3 && now > timestamp(0)", {("facts", "os.build")}),
        ("answers['update-policy'].choice == \"oui\"", {("answers", "update-policy")}),
        ('tally[ "a-b" ].failed == 0', {("tally", "a-b")}),
        ("answers[site.name].choice == 'oui'", {("answers", "*"), ("site", "name")}),
        ("answers.exists(a, a == 'x')", {("answers", "*")}),
        ("has(profile.insi) && .measures . rtt_seconds < 1.0", {("profile", "insi"), ("measures", "rtt_seconds")}),
        ("facts.smartcard.readers.size() > 0", {("facts", "smartcard.readers")}),
        ("has(facts.smartcard) && facts.smartcard.exists(x, x)", {("facts", "smartcard")}),
        ("facts == facts", {("facts", "*")}),
        ("unrelated.size() > 0 && factsheet", set()),
    ],
)
def test_what_an_expression_reads_is_taken_from_its_text(expression: str, read: set[tuple[str, str]]) -> None:
    assert reads_of([expression]) == read


def test_a_profile_of_another_site_is_another_one(shipped: Pack) -> None:
    remembered, site = Memory(shipped), Site(finess="750000001")
    facts = Facts()
    facts.machine.memory_bytes = 6 * 2**30

    def verdict(profile: Profile) -> str:
        judgements = judge_workstation(
            shipped, facts, workstation_id="pc", role=Workstation.CARE, site=site, profile=profile, now=NOW,
            memory=remembered,
        )  # fmt: skip
        return next(one.verdict for one in judgements if one.rule == "memory-sufficient")

    assert verdict(Profile(memory_bytes=4 * 2**30, confirmed_on=moment(NOW))) == "PASS"
    assert verdict(Profile(memory_bytes=4 * 2**30)) == "UNKNOWN"
    assert verdict(Profile(memory_bytes=8 * 2**30)) == "FAIL"


@pytest.mark.parametrize("scope", Scope)
def test_every_variable_of_the_conditions_is_compared(
    shipped: Pack, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable that were left out of what is compared would give one site the verdicts of another."""
    compared: dict[Scope, set[str]] = {}

    def seen(self: Memory, **variables: object) -> Seen:
        return dict.fromkeys((f"{variable}.field" for variable in variables), True)

    def outcomes(self: Memory, of_scope: Scope, seen: Seen, ends: object) -> list[Outcome]:
        compared[of_scope] = {piece.partition(".")[0] for piece in seen}
        return [Outcome(Verdict.UNKNOWN, {}) for _ in shipped.of_scope(of_scope)]

    monkeypatch.setattr(Memory, "seen", seen)
    monkeypatch.setattr(Memory, "outcomes", outcomes)
    full = Facts()
    full.system.family = full.system.WINDOWS
    full.network.gateways.addresses.append("192.0.2.1")
    judgement = Judgement("memory-sufficient", "pc", Verdict.PASS, {}, Said())
    site = Site(finess="750000001", workstations=1)
    answer = Answer(question="impact-assessment", choice="oui", answered_at=moment(NOW))
    judge_workstation(
        shipped, full, workstation_id="pc", role=Workstation.CARE, site=site, profile=shipped.default_profile, now=NOW,
        memory=Memory(shipped),
    )  # fmt: skip
    judge_site(
        shipped, site=site, profile=shipped.default_profile, answers={"impact-assessment": answer},
        workstations=subjects([judgement]), facts=[full], now=NOW, memory=Memory(shipped),
    )  # fmt: skip
    context = WorkstationContext if scope is Scope.WORKSTATION else SiteContext
    assert compared[scope] == {field.name for field in context.DESCRIPTOR.fields} - {"now"}
