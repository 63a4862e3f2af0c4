"""The security updates that wait, counted as apt would, for a hundredth of its cost."""

import shutil
import subprocess
import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prerequis_agent.errors import ParseError
from prerequis_agent.host import Host
from prerequis_agent.security_updates import LISTS, STATUS, parse_installed, parse_outdated, sort_key

_INSTALLED = {("a", "amd64"): "1.0-1", ("b", "all"): "2:1.0", ("c", "i386"): "1"}
_needs_apt = pytest.mark.skipif(shutil.which("apt-get") is None, reason="apt is the witness")

# The order of deb-version(7) and of dpkg's own tests.
_IN_ORDER = (
    "0~~", "0~", "0", "0a", "0.1~rc1-1", "0.1-1", "0.1-1+b1", "0.1-1+deb12u1", "0.1-2", "0.1.1-1", "0.2-1", "0.10-1",
    "1:0",
)  # fmt: skip


@pytest.mark.parametrize(("lower", "higher"), list(pairwise(_IN_ORDER)))
def test_versions_are_in_the_order_of_debian(lower: str, higher: str) -> None:
    assert sort_key(lower) < sort_key(higher)


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="dpkg is the witness")
@given(*[st.from_regex(r"([0-9]:)?[0-9][0-9a-c.+~]{0,5}(-[0-9a-c.+~]{1,4})?", fullmatch=True)] * 2)
@settings(max_examples=60)
def test_any_two_versions_are_in_the_order_of_dpkg(one: str, other: str) -> None:
    said = subprocess.run(["dpkg", "--compare-versions", one, "lt", other], check=False, capture_output=True)
    assert (sort_key(one) < sort_key(other)) == (said.returncode == 0)


def test_a_package_waits_when_the_list_of_its_architecture_has_a_higher_version() -> None:
    offered = b"Package: a\nVersion: 1.0-1+deb12u1\n\nPackage: b\nArchitecture: all\nVersion: 2:1.1\n\n"
    offered += b"Package: c\nVersion: 2\n\nPackage: d\nVersion: 9\n"
    assert parse_outdated([offered], _INSTALLED, "amd64") == {("a", "amd64"), ("b", "all")}
    assert parse_outdated([offered], _INSTALLED, "i386") == {("b", "all"), ("c", "i386")}


def test_the_same_version_does_not_wait() -> None:
    assert parse_outdated([b"Package: a\nVersion: 1.0-1\n"], _INSTALLED, "amd64") == set()


@given(st.lists(st.integers(1, 9)))
def test_a_list_says_the_same_however_it_is_cut(lengths: list[int]) -> None:
    text = b"Package: a\nVersion: 2\n\nPackage: x\nVersion: 1\n\nPackage: b\nVersion: 3:0\n"
    pieces, start = [], 0
    for length in [*lengths, len(text)]:
        pieces.append(text[start : start + length])
        start += length
    assert parse_outdated(pieces, _INSTALLED, "amd64") == {("a", "amd64"), ("b", "all")}


def test_an_empty_list_does_not_say_that_nothing_waits() -> None:
    with pytest.raises(ParseError, match="vide"):
        parse_outdated([b""], _INSTALLED, "amd64")
    with pytest.raises(ParseError):
        parse_installed("")


def test_what_was_removed_is_not_installed_and_what_is_held_back_is() -> None:
    state = "Package: {0}\nStatus: {1}\nArchitecture: amd64\nVersion: 1\n\n"
    text = state.format("gone", "deinstall ok config-files") + state.format("held", "hold ok installed")
    assert parse_installed(text) == {("held", "amd64"): "1"}


@given(st.text() | st.text("Package: Version\nStatusinstall ok installed0123"))
def test_any_text_is_packages_or_a_parse_error(text: str) -> None:
    for parse in (parse_installed, lambda text: parse_outdated([text.encode()], _INSTALLED, "amd64"), sort_key):
        try:
            assert parse(text) is not None
        except ParseError as problem:
            assert str(problem).endswith(".")


@_needs_apt
def test_counting_costs_less_than_a_tenth_of_a_second() -> None:
    """Of the whole list of this machine's packages, were each of them in a security suite."""
    status = Host().read_text(STATUS) or ""
    installed = parse_installed(status)
    spent: list[float] = []
    for _ in range(5):
        before = time.process_time()
        assert parse_outdated([status.encode()], installed, "amd64") == set()
        spent.append(time.process_time() - before)
    # Other programs that use the same core make some of them dearer.
    assert min(spent) < 0.1
    assert LISTS.startswith("/var/lib/apt")
