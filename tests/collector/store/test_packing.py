"""What a report takes on the disk, and that it comes back as it was signed."""

import zlib
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.bench.seen_machines import Machines

from prerequis_collector.store.packing import packed, unpacked

_DICTIONARY = 0xE51E763B
"""Adler-32 of the one with which kept reports were packed."""


@given(st.binary(max_size=5000))
def test_whatever_was_packed_comes_back(body: bytes) -> None:
    assert unpacked(packed(body)) == body


def test_the_dictionary_is_the_one_that_kept_reports_need() -> None:
    header = packed(b"")
    assert header[1] & 0x20, "no dictionary is named"
    assert int.from_bytes(header[2:6], "big") == _DICTIONARY


def test_most_reports_take_a_third_of_a_page_and_none_takes_half_of_one() -> None:
    machines, at, page = Machines(), datetime(2026, 11, 22, tzinfo=UTC), 4096
    sizes = sorted(len(packed(machines.report(place, at).SerializeToString())) for place in range(14))
    assert sizes[11] < page / 3, sizes
    assert sizes[-1] < page / 2, sizes


def test_a_report_kept_by_plain_zlib_is_read_too() -> None:
    body = Machines().report(0, datetime(2026, 11, 22, tzinfo=UTC)).SerializeToString()
    assert unpacked(zlib.compress(body)) == body


@pytest.mark.parametrize(
    "damage", [lambda kept: kept[:-3], lambda kept: b"", lambda kept: kept[:20] + b"\0" + kept[21:]]
)
def test_what_is_damaged_is_not_taken_for_a_report(damage: Callable[[bytes], bytes]) -> None:
    with pytest.raises(zlib.error):
        unpacked(damage(packed(b"a report of some length" * 20 + bytes(range(256)))))
