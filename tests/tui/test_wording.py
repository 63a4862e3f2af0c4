"""How values are said, and drawn."""

from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from prerequis.v1 import judgement_pb2, review_pb2
from prerequis_tui import score_bar, scorecard, wording

PERCENT = st.floats(0, 100, allow_nan=False)
SCORES = st.builds(
    lambda ends, coverage: judgement_pb2.Score(low=min(ends), high=max(ends), coverage=coverage),
    st.tuples(PERCENT, PERCENT),
    PERCENT,
)


@pytest.mark.parametrize(
    ("value", "said"), [(0, "0"), (62, "62"), (91.4, "91,4"), (99.96, "99,9"), (99.99999, "99,9"), (100, "100")]
)
def test_a_percentage_is_cut_and_never_rounded_up(value: float, said: str) -> None:
    assert wording.percent(value) == said


@given(st.floats(0, 99.999, allow_nan=False))
def test_what_is_not_whole_is_never_said_to_be_100(value: float) -> None:
    assert wording.percent(value) != "100"


@pytest.mark.parametrize(
    ("score", "said"),
    [
        (judgement_pb2.Score(low=62, high=87, coverage=72), "62 à 87 % (72 % vérifié)"),
        (judgement_pb2.Score(low=100, high=100, coverage=100), "100 % (100 % vérifié)"),
        (judgement_pb2.Score(low=0, high=0, coverage=0), "0 % (0 % vérifié)"),
        (judgement_pb2.Score(low=62), "non calculable"),
        (judgement_pb2.Score(), "non calculable"),
    ],
)
def test_a_score_is_said_with_what_was_verified(score: judgement_pb2.Score, said: str) -> None:
    assert wording.score(score) == said


@given(SCORES, st.integers(3, 60))
def test_a_bar_fills_its_width_and_hides_no_part(score: judgement_pb2.Score, width: int) -> None:
    certain, unknown, lost = (text for text, _ in score_bar.parts(score, width))
    assert len(certain + unknown + lost) == width
    assert bool(certain) == (score.low > 0)
    assert bool(unknown) == (score.high > score.low)
    assert bool(lost) == (score.high < 100)


def test_a_bar_without_a_score_is_unknown_from_end_to_end() -> None:
    ((text, tone),) = score_bar.parts(judgement_pb2.Score(), 12)
    assert (text, tone) == (score_bar.NOT_KNOWN * 12, wording.Tone.UNKNOWN)


@pytest.mark.parametrize(
    ("many", "said"), [(0, "0 site"), (1, "1 site"), (2, "2 sites"), (40_000, "40\N{NARROW NO-BREAK SPACE}000 sites")]
)
def test_counts_follow_the_french_plural(many: int, said: str) -> None:
    assert wording.count(many, "site") == said


def test_a_day_is_the_same_in_every_time_zone() -> None:
    deadline = Timestamp()
    deadline.FromDatetime(datetime(2027, 3, 1, tzinfo=UTC))
    assert (wording.day(deadline), wording.iso_day(deadline)) == ("01/03/2027", "2027-03-01")


def test_what_never_happened_has_no_date() -> None:
    assert (wording.clock(Timestamp()), wording.iso(Timestamp()), wording.day(Timestamp())) == ("jamais", None, "")


def _judgement(
    subject: str, verdict: judgement_pb2.Judgement.Verdict.ValueType, observed: str, level: str = "major"
) -> judgement_pb2.Judgement:
    return judgement_pb2.Judgement(
        rule="memory", scope="workstation", subject=subject, level=level, verdict=verdict, observed=observed
    )


def test_machines_that_met_the_same_fate_for_the_same_reason_are_one_finding() -> None:
    fail = judgement_pb2.Judgement.FAIL
    found = scorecard.findings(
        [_judgement("b", fail, "4 Go"), _judgement("a", fail, "4 Go"), _judgement("c", fail, "2 Go")]
    )
    assert [finding.subjects for finding in found] == [("c",), ("a", "b")]


def test_a_waived_failure_does_not_block_and_is_not_a_pass() -> None:
    waived = _judgement("a", judgement_pb2.Judgement.FAIL, "4 Go", "blocking")
    waived.waived = True
    card = scorecard.arrange(judgement_pb2.FrameworkResult(verdicts=[waived]))
    assert (card.blocking, card.passed) == ((), ())
    assert card.waived[0].word.text == "Dérogation"


def test_a_verdict_that_was_not_said_is_unknown() -> None:
    unsaid = _judgement("a", judgement_pb2.Judgement.VERDICT_UNSPECIFIED, "")
    card = scorecard.arrange(judgement_pb2.FrameworkResult(verdicts=[unsaid]))
    assert len(card.unknown) == 1
    assert card.passed == ()


def test_every_readiness_and_verdict_has_words_and_a_symbol_of_its_own() -> None:
    assert set(wording.READINESS) == set(judgement_pb2.Readiness.values())
    assert set(wording.VERDICT) == set(judgement_pb2.Judgement.Verdict.values())
    assert len({word.symbol for word in wording.READINESS.values()}) == len(wording.READINESS)


def test_the_day_of_the_oldest_lines_is_told_where_it_is_another_day() -> None:
    this_day, before = wording.today(), Timestamp()
    before.FromDatetime(this_day.ToDatetime(UTC) - timedelta(days=1))
    new, old, never = (review_pb2.SiteSummary(judged_on=day) for day in (this_day, before, None))
    assert wording.still_judged([new, never], 2, this_day) == "2 sites sont en cours d'évaluation"
    told = f"2 sites sont en cours d'évaluation ; les lignes les plus anciennes sont du {wording.day(before)}"
    assert wording.still_judged([new, old, never], 2, this_day) == told
    assert wording.still_judged([old], 0, this_day) == ""
    assert this_day.seconds % 86_400 == 0
