from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerequis_agent.errors import ParseError
from prerequis_agent.plists import parse_entries, parse_settings
from prerequis_agent.windows.moments import parse_cim_datetime, parse_filetime, parse_iso


def test_a_cim_moment_carries_its_offset_in_minutes() -> None:
    assert parse_cim_datetime("20261119081205.500000+060") == datetime(2026, 11, 19, 7, 12, 5, tzinfo=UTC)
    assert parse_cim_datetime("20261119081205.500000-300") == datetime(2026, 11, 19, 13, 12, 5, tzinfo=UTC)


@given(st.datetimes(datetime(1601, 1, 2), datetime(9999, 1, 1)))
def test_a_filetime_counts_from_1601(moment: datetime) -> None:
    ticks = (moment - datetime(1601, 1, 1)) // timedelta(microseconds=1) * 10
    assert parse_filetime(ticks.to_bytes(8, "little")) == moment.replace(tzinfo=UTC)


@pytest.mark.parametrize("parse", [parse_cim_datetime, parse_iso])
@given(text=st.text() | st.text("0123456789.+-TZ:*", max_size=30))
def test_any_text_is_a_moment_or_a_parse_error(parse: Callable[[str], datetime], text: str) -> None:
    try:
        assert parse(text).tzinfo is UTC
    except ParseError as problem:
        assert str(problem).endswith(".")


@given(st.binary(max_size=200) | st.binary(max_size=100).map(lambda tail: b"bplist00" + tail))
def test_any_bytes_are_a_property_list_or_a_parse_error(content: bytes) -> None:
    for read in (parse_settings, parse_entries):
        try:
            assert isinstance(read(content), dict | list)
        except ParseError as problem:
            assert str(problem).endswith(".")
