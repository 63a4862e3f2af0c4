"""FINESS numbers and the texts that are written for others."""

import tomllib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerequis_collector.errors import InvalidInput
from prerequis_collector.services.register import check_finess, looks_mistyped
from prerequis_collector.services.toml import toml


@pytest.mark.parametrize("finess", ["330000019", "2A0000012", "970100012", " 2b0000012 "])
def test_numbers_of_the_mainland_corsica_and_overseas_are_taken(finess: str) -> None:
    assert check_finess(finess) == finess.strip().upper()


@pytest.mark.parametrize("text", ["", "12", "33000001", "3300000190", "A30000019", "33A00001B", "٣30000019"])
def test_what_is_not_nine_characters_of_that_form_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        check_finess(text)


@given(st.integers(0, 99_999_999), st.integers(1, 9))
def test_exactly_one_check_digit_is_right_and_letters_are_not_judged(body: int, off: int) -> None:
    right = next(digit for digit in range(10) if not looks_mistyped(f"{body:08}{digit}"))
    assert looks_mistyped(f"{body:08}{(right + off) % 10}")
    assert not looks_mistyped("2A0000012")


_TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(_TEXT, st.lists(_TEXT), st.integers(-(2**63), 2**63 - 1))
def test_what_is_written_reads_back(text: str, texts: list[str], number: int) -> None:
    values: dict[str, str | int | list[str] | datetime] = {"text": text, "list": texts, "number": number}
    values["lines"] = text.replace("\r", "") + "\n"
    assert tomllib.loads(toml(values)) == values


def test_a_moment_reads_back_in_utc() -> None:
    moment = datetime(2026, 12, 1, tzinfo=UTC)
    assert toml({"expires": moment}) == "expires = 2026-12-01T00:00:00Z\n"
    assert tomllib.loads(toml({"expires": moment})) == {"expires": moment}
