"""What a report takes on the disk, and that it comes back as it was signed."""

import hashlib
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.bench.seen_machines import Machines

from prerequis_collector.store.packing import Damaged, packed, unpacked

_DICTIONARY = "3e4b48df1d0548a5c9630d2bfaa412a82a810ebe289346c83a4ad9352124985d"
_BEFORE_ZSTD = 0xE51E763B
"""Adler-32 of the dictionary with which zlib packed what was kept before."""


@given(st.binary(max_size=5000))
def test_whatever_was_packed_comes_back(body: bytes) -> None:
    assert unpacked(packed(body)) == body


def test_the_dictionary_is_the_one_that_kept_reports_need() -> None:
    kept = _dictionary()
    assert hashlib.sha256(kept).hexdigest() == _DICTIONARY
    # The frame's header names it (RFC 8878, 3.1.1.1): magic number, descriptor, then the dictionary's own four bytes.
    assert packed(b"")[4] & 3 == 3
    assert kept[4:8] in packed(b"")[:10]


def test_most_reports_take_a_third_of_a_page_and_none_takes_half_of_one() -> None:
    machines, at, page = Machines(), datetime(2026, 11, 22, tzinfo=UTC), 4096
    sizes = sorted(len(packed(machines.report(place, at).SerializeToString())) for place in range(14))
    assert sizes[11] < page / 3, sizes
    assert sizes[-1] < page / 2, sizes


def test_a_report_kept_by_plain_zlib_is_read_too() -> None:
    assert unpacked(zlib.compress(_report())) == _report()


def test_a_report_kept_by_zlib_with_its_dictionary_is_read_too() -> None:
    dictionary = _dictionary()[-15_533:]
    assert zlib.adler32(dictionary) == _BEFORE_ZSTD
    packer = zlib.compressobj(1, zlib.DEFLATED, 14, 7, zlib.Z_DEFAULT_STRATEGY, dictionary)
    assert unpacked(packer.compress(_report()) + packer.flush()) == _report()


@pytest.mark.parametrize("pack", [packed, zlib.compress])
@pytest.mark.parametrize(
    "damage", [lambda kept: kept[:-3], lambda kept: b"", lambda kept: kept[:20] + b"\0" + kept[21:]]
)
def test_what_is_damaged_is_not_taken_for_a_report(
    pack: Callable[[bytes], bytes], damage: Callable[[bytes], bytes]
) -> None:
    with pytest.raises(Damaged):
        unpacked(damage(pack(b"a report of some length" * 20 + bytes(range(256)))))


def _report() -> bytes:
    return Machines().report(0, datetime(2026, 11, 22, tzinfo=UTC)).SerializeToString()


def _dictionary() -> bytes:
    return resources.files("prerequis_collector.store").joinpath("packing.zdict").read_bytes()
