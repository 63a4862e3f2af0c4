"""Scores are intervals that never flatter."""

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rules.said import Said, subjects

from prerequis_rules.model import Framework, FrameworkResult, Judgement, Readiness, Score, Verdict
from prerequis_rules.pack import Pack
from prerequis_rules.score import score_frameworks

PASS, FAIL, UNKNOWN, NOT_APPLICABLE = Verdict
WORKSTATION_RULES = ("memory-sufficient", "reader-present")
SITE_RULES = ("enough-devices", "no-failing-machine", "second-access")


def judgement(rule: str, verdict: Verdict, subject: str = "pc", *, waived: bool = False) -> Judgement:
    return Judgement(rule, subject, verdict, {}, Said(), waived)


def all_of(verdict: Verdict, **others: Verdict) -> list[Judgement]:
    rules = (*WORKSTATION_RULES, *SITE_RULES)
    return [judgement(rule, others.get(rule.replace("-", "_"), verdict)) for rule in rules]


def covered(pack: Pack) -> Framework:
    framework = pack.frameworks["essai"]
    return replace(framework, requirements=tuple(one for one in framework.requirements if one.covered))


def score_framework(
    pack: Pack, framework: Framework, judgements: Iterable[Judgement], *, unseen: int | None
) -> FrameworkResult:
    alone = replace(pack, frameworks={framework.id: framework})
    (result,) = score_frameworks(alone, subjects(judgements), unseen=unseen)
    return result


def scored(pack: Pack, judgements: Iterable[Judgement], unseen: int | None = 0) -> FrameworkResult:
    return score_framework(pack, covered(pack), judgements, unseen=unseen)


def test_a_requirement_that_nothing_covers_is_not_known(pack: Pack) -> None:
    whole = pack.frameworks["essai"]
    assert sum(not one.covered for one in whole.requirements) == 1
    passing = score_framework(pack, whole, all_of(PASS), unseen=0)
    assert (passing.readiness, passing.score) == (Readiness.READY_WITH_RESERVATIONS, Score(75.0, 100.0, 75.0))
    failing = score_framework(pack, whole, all_of(FAIL), unseen=0)
    assert (failing.readiness, failing.score) == (Readiness.NOT_READY, Score(0.0, 25.0, 75.0))


def test_a_framework_that_little_covers_never_says_ready(pack: Pack) -> None:
    whole = replace(pack.frameworks["essai"], coverage_threshold=0.76)
    assert score_framework(pack, whole, all_of(PASS), unseen=0).readiness is Readiness.INSUFFICIENT_DATA


def test_a_site_that_passes_everything_is_ready(pack: Pack) -> None:
    result = scored(pack, all_of(PASS))
    assert (result.readiness, result.score) == (Readiness.READY, Score(100.0, 100.0, 100.0))


def test_weights_follow_the_levels_and_a_rule_of_two_requirements_weighs_once(pack: Pack) -> None:
    # Two blocking rules (10 each), a major one (5), a minor one (2), one for information (0).
    assert scored(pack, all_of(PASS, reader_present=FAIL)).score == Score(81.4, 81.4, 100.0)
    assert scored(pack, all_of(PASS, memory_sufficient=UNKNOWN)).score == Score(62.9, 100.0, 62.9)
    assert scored(pack, all_of(PASS, no_failing_machine=FAIL)).score == Score(92.5, 92.5, 100.0)
    assert scored(pack, all_of(PASS, second_access=FAIL)).score == Score(100.0, 100.0, 100.0)


@pytest.mark.parametrize(
    ("verdicts", "readiness"),
    [
        ({"memory_sufficient": FAIL}, Readiness.NOT_READY),
        ({"enough_devices": FAIL, "memory_sufficient": UNKNOWN}, Readiness.NOT_READY),
        ({"enough_devices": UNKNOWN}, Readiness.INSUFFICIENT_DATA),
        ({"enough_devices": NOT_APPLICABLE}, Readiness.READY),
        ({"reader_present": FAIL}, Readiness.READY_WITH_RESERVATIONS),
        ({"reader_present": UNKNOWN}, Readiness.READY_WITH_RESERVATIONS),
        ({"no_failing_machine": FAIL}, Readiness.READY_WITH_RESERVATIONS),
        ({"second_access": FAIL}, Readiness.READY),
    ],
)
def test_readiness_follows_the_worst_of_the_blocking_rules(
    pack: Pack, verdicts: dict[str, Verdict], readiness: Readiness
) -> None:
    assert scored(pack, all_of(PASS, **verdicts)).readiness is readiness


def test_too_little_decided_is_insufficient_even_without_a_blocking_rule(pack: Pack) -> None:
    judgements = [judgement("reader-present", UNKNOWN), judgement("no-failing-machine", PASS)]
    result = scored(pack, judgements)
    assert result.score == Score(28.5, 100.0, 28.5)
    assert result.readiness is Readiness.INSUFFICIENT_DATA


@pytest.mark.parametrize(("threshold", "readiness"), [(0.07, "READY_WITH_RESERVATIONS"), (0.071, "INSUFFICIENT_DATA")])
def test_a_coverage_of_exactly_the_threshold_is_enough(pack: Pack, threshold: float, readiness: str) -> None:
    framework = replace(covered(pack), coverage_threshold=threshold)
    judgements = [judgement("reader-present", PASS if number < 7 else UNKNOWN, str(number)) for number in range(100)]
    result = score_framework(pack, framework, judgements, unseen=0)
    assert result.score == Score(7.0, 100.0, 7.0)
    assert result.readiness == readiness


def test_no_applicable_rule_gives_no_score(pack: Pack) -> None:
    for judgements in ([], all_of(NOT_APPLICABLE), [judgement("second-access", PASS)]):
        result = scored(pack, judgements)
        assert (result.readiness, result.score) == (Readiness.INSUFFICIENT_DATA, None)


def test_one_failure_in_twenty_thousand_never_shows_as_all(pack: Pack) -> None:
    judgements = [judgement("reader-present", PASS, str(number)) for number in range(19_999)]
    result = scored(pack, [*judgements, judgement("reader-present", FAIL, "the last one")])
    assert result.score == Score(99.9, 99.9, 100.0)


def test_a_waived_fail_is_shown_but_not_weighed(pack: Pack) -> None:
    judgements = [judgement("memory-sufficient", FAIL, waived=True), *all_of(PASS)[1:]]
    result = scored(pack, judgements)
    assert result.score == Score(100.0, 100.0, 100.0)
    assert result.readiness is Readiness.READY_WITH_RESERVATIONS
    assert any(one.waived for one in result.judgements)


def test_unseen_machines_are_unknown(pack: Pack) -> None:
    result = scored(pack, all_of(PASS), unseen=3)
    assert result.readiness is Readiness.INSUFFICIENT_DATA
    # A quarter of both workstation rules (15 of 27) is decided.
    assert result.score == Score(58.3, 100.0, 58.3)


def test_nothing_is_certain_of_machines_that_nobody_counted(pack: Pack) -> None:
    result = scored(pack, all_of(PASS, reader_present=FAIL), unseen=None)
    assert result.readiness is Readiness.INSUFFICIENT_DATA
    assert result.score == Score(44.4, 99.9, 44.4)


def test_the_result_holds_the_judgements_of_the_frameworks_rules_only(pack: Pack) -> None:
    narrow = Framework("narrow", "", "", 0.5, pack.frameworks["essai"].requirements[1:2])
    result = score_framework(pack, narrow, all_of(PASS), unseen=0)
    assert [one.rule for one in result.judgements] == ["memory-sufficient", "reader-present"]


VERDICTS = st.sampled_from(list(Verdict))
SITES = st.tuples(
    st.lists(st.tuples(*(VERDICTS for _ in WORKSTATION_RULES)), max_size=6),
    st.tuples(*(VERDICTS for _ in SITE_RULES)),
).map(
    lambda drawn: (
        [
            judgement(rule, verdict, f"pc-{number}")
            for number, verdicts in enumerate(drawn[0])
            for rule, verdict in zip(WORKSTATION_RULES, verdicts, strict=True)
        ]
        + [judgement(rule, verdict, "site") for rule, verdict in zip(SITE_RULES, drawn[1], strict=True)]
    )
)
UNSEEN = st.integers(0, 30) | st.none()


@given(SITES, UNSEEN)
def test_a_score_is_an_interval_within_its_bounds(pack: Pack, judgements: list[Judgement], unseen: int | None) -> None:
    result = scored(pack, judgements, unseen)
    if result.score is None:
        assert result.readiness is Readiness.INSUFFICIENT_DATA
    else:
        assert 0 <= result.score.low <= result.score.high <= 100
        assert result.score.low <= result.score.coverage <= 100
        weighing = [one for one in judgements if one.rule != "second-access"]
        assert result.score.high < 100 or all(one.verdict is not FAIL for one in weighing)
        assert result.score.low < 100 or all(one.verdict in (PASS, NOT_APPLICABLE) for one in weighing)
    if result.readiness in (Readiness.READY, Readiness.READY_WITH_RESERVATIONS):
        assert unseen == 0
        assert all(one.verdict in (PASS, NOT_APPLICABLE) for one in judgements if one.rule in ("enough-devices",))


@given(SITES, UNSEEN, st.data())
def test_what_becomes_known_only_narrows_the_interval(
    pack: Pack, judgements: list[Judgement], unseen: int | None, data: st.DataObject
) -> None:
    unknown = [index for index, one in enumerate(judgements) if one.verdict is UNKNOWN]
    if not unknown:
        return
    index = data.draw(st.sampled_from(unknown))
    known = list(judgements)
    known[index] = known[index]._replace(verdict=data.draw(st.sampled_from([PASS, FAIL])))
    before, after = scored(pack, judgements, unseen).score, scored(pack, known, unseen).score
    assert (before is None) == (after is None)
    if before is not None and after is not None:
        assert before.low <= after.low <= after.high <= before.high
        assert before.coverage <= after.coverage


@given(SITES, UNSEEN)
def test_no_blocking_fail_goes_unnoticed(pack: Pack, judgements: list[Judgement], unseen: int | None) -> None:
    blocked = any(one.verdict is FAIL and one.rule in ("memory-sufficient", "enough-devices") for one in judgements)
    assert (scored(pack, judgements, unseen).readiness is Readiness.NOT_READY) == blocked
