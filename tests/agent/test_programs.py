import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerequis_agent.errors import ParseError, Unreadable, Unsupported
from prerequis_agent.execution import CommandResult
from prerequis_agent.host import Host
from prerequis_agent.programs import inventory, parse_dpkg_status, parse_rpm_answer, programs, upstream

_needs_dpkg = pytest.mark.skipif(
    sys.platform != "linux" or not Path("/var/lib/dpkg/status").exists(), reason="this system has no dpkg"
)


def test_a_program_of_the_list_is_recognised_by_something() -> None:
    for program in programs():
        ways = (program.windows, program.packages, program.snap, program.flatpak, program.macos, program.files)
        # SQL Server and Office of Click-to-Run are read from keys of their own.
        assert any(ways) or program.key or program.service, program.id


def test_a_pattern_begins_with_a_whole_word_so_that_names_find_it() -> None:
    for program in programs():
        for pattern in program.windows:
            assert re.match(r"[^ *(?\[]+", pattern), pattern
            assert "[" not in pattern and "?" not in pattern, pattern


@_needs_dpkg
def test_the_packages_of_this_machine_have_the_versions_that_dpkg_query_gives() -> None:
    names = {name for program in programs() for name in program.packages}
    answer = subprocess.run(
        ["dpkg-query", "--show", "--showformat", "${db:Status-Abbrev}\t${Package}\t${Version}\n"],
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    rows = [line.split("\t") for line in answer.splitlines()]
    told = {name: version for status, name, version in rows if status == "ii " and name in names}
    assert parse_dpkg_status(Path("/var/lib/dpkg/status").read_text(), frozenset(names)) == told
    seen = {(each.program.id, each.version) for each in inventory(Host()).found}
    expected = {
        (program.id, upstream(told[name])) for program in programs() for name in program.packages if name in told
    }
    assert expected <= seen


@_needs_dpkg
def test_finding_the_programs_costs_less_than_ten_milliseconds_for_each_thousand_packages(tmp_path: Path) -> None:
    import time

    status = tmp_path / "var/lib/dpkg/status"
    status.parent.mkdir(parents=True)
    stanza = "Package: other{0}\nStatus: install ok installed\nVersion: 1\nDescription: " + "x" * 700 + "\n\n"
    status.write_text("".join(stanza.format(number) for number in range(2000)))
    programs()
    costs = []
    for _ in range(5):
        before = time.thread_time()
        assert inventory(Host(tmp_path, "linux")).found == ()
        costs.append(time.thread_time() - before)
    assert min(costs) < 0.02


def test_a_package_that_was_removed_is_not_installed() -> None:
    removed = "Package: anydesk\nStatus: deinstall ok config-files\nVersion: 6\n\n"
    installed = "Package: xrdp\nStatus: install ok installed\nVersion: 1\n"
    assert parse_dpkg_status(removed + installed, frozenset({"anydesk", "xrdp"})) == {"xrdp": "1"}


def test_an_installed_package_without_a_version_is_not_a_package() -> None:
    with pytest.raises(ParseError):
        parse_dpkg_status("Package: xrdp\nStatus: install ok installed\n", frozenset({"xrdp"}))


@pytest.mark.parametrize(
    ("version", "makers"),
    [
        ("4:7.4.7-1+deb12u14", "7.4.7"),
        ("140.14.0esr-1~deb12u1", "140.14.0"),
        ("17.0.15+6-1~deb12u1", "17.0.15"),
        ("1.2-3-4", "1.2-3"),
        ("152.0", "152.0"),
    ],
)
def test_the_version_is_that_of_the_makers(version: str, makers: str) -> None:
    assert upstream(version) == makers


@given(st.text() | st.text("Package: Statusinstall okedVersion\n1.-"))
def test_any_text_is_a_state_of_dpkg_or_a_parse_error(text: str) -> None:
    try:
        assert parse_dpkg_status(text, frozenset({"P", "a"})).keys() <= {"P", "a"}
    except ParseError as problem:
        assert str(problem).endswith(".")


def test_rpm_names_what_is_not_installed_and_that_is_no_package() -> None:
    assert parse_rpm_answer("package xrdp is not installed\nfirefox\t152.0\n") == {"firefox": "152.0"}


def _ask_rpm(root: Path, answer: CommandResult) -> list[str]:
    """Return the programs of a machine whose rpm answers so when it is asked for every package of the list."""
    (root / "var/lib/rpm").mkdir(parents=True)
    names = sorted({name for program in programs() for name in program.packages})
    question = " ".join(["rpm", "--query", "--queryformat", r"%{NAME}\t%{VERSION}\n", *names])
    found = inventory(Host(root, "linux", answers={question: answer})).found
    return [f"{each.program.id} {each.version}" for each in found]


def test_rpm_is_asked_once_for_the_packages_of_the_list_alone(tmp_path: Path) -> None:
    answer = CommandResult(99, "package anydesk is not installed\nfirefox\t152.0\npcsc-lite\t2.3.3\n", "")
    assert _ask_rpm(tmp_path, answer) == ["firefox 152.0", "pcscd 2.3.3"]


@pytest.mark.parametrize("answer", [CommandResult(0, "", ""), CommandResult(1, "", "error: cannot open database\n")])
def test_a_rpm_that_lists_nothing_is_not_a_machine_without_programs(tmp_path: Path, answer: CommandResult) -> None:
    with pytest.raises(Unsupported if answer.status == 0 else Unreadable):
        _ask_rpm(tmp_path, answer)


def test_a_linux_without_a_known_list_of_packages_has_no_empty_one(tmp_path: Path) -> None:
    with pytest.raises(Unsupported):
        inventory(Host(tmp_path, "linux"))
