import gzip
import os
import platform
import shlex
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerequis.v1.facts_pb2 import System
from prerequis_agent.errors import ParseError
from prerequis_agent.host import MOST_BYTES, Host
from prerequis_agent.probe import Probe
from prerequis_agent.probes.system import (
    PROBE,
    parse_apt_history,
    parse_boot_time,
    parse_dnf_log,
    parse_gzip,
    parse_os_release,
)

_UPGRADE = "\nStart-Date: {0}\nUpgrade: a:amd64 (1, 2)\nEnd-Date: {0}\n"


def test_each_machine_shows_its_system(check: Callable[[Probe], None]) -> None:
    check(PROBE)


def test_this_system_is_the_one_of_os_release_and_uname() -> None:
    facts = PROBE.observe(Host()).facts
    assert isinstance(facts, System)
    told = subprocess.run(
        ["sh", "-c", '. /etc/os-release; echo "$ID"; echo "$VERSION_ID"; uname -r; uname -m'],
        capture_output=True,
        check=True,
        text=True,
    ).stdout.splitlines()
    assert [facts.distribution, facts.release, facts.kernel, facts.architecture] == told
    uptime = timedelta(seconds=time.clock_gettime(time.CLOCK_BOOTTIME))
    assert abs(datetime.now(UTC) - uptime - facts.booted_at.ToDatetime(UTC)) < timedelta(seconds=5)


@pytest.mark.skipif(not Path("/var/lib/apt/lists/partial").exists(), reason="this system has no apt")
def test_the_list_of_updates_of_this_system_is_not_older_than_apts_files() -> None:
    facts = PROBE.observe(Host()).facts
    assert isinstance(facts, System)
    if any(path.name.endswith("Release") for path in Path("/var/lib/apt/lists").iterdir()):
        newest = max(path.stat().st_ctime for path in Path("/var/lib/apt/lists").glob("*Release"))
        assert facts.update_list_at.ToDatetime(UTC).timestamp() > newest - 60
    else:
        assert not facts.HasField("update_list_at")


@pytest.mark.parametrize(("system", "family"), [("darwin", System.MACOS), ("win32", System.WINDOWS)])
def test_another_system_is_named_by_its_family(system: str, family: int) -> None:
    facts = PROBE.observe(Host(platform=system)).facts
    assert isinstance(facts, System)
    assert facts.family == family
    assert facts.architecture == platform.machine()
    assert facts.HasField("booted_at")


def test_only_an_upgrade_is_an_update() -> None:
    installed = "Start-Date: 2025-01-02  00:00:00\nInstall: b:amd64 (1)\nEnd-Date: 2025-01-02  00:00:01\n"
    assert parse_apt_history(installed) is None
    both = f"{_UPGRADE.format('2025-01-01  10:00:00')}\n{installed}"
    assert parse_apt_history(both, timezone(timedelta(hours=1))) == datetime(2025, 1, 1, 9, tzinfo=UTC)


def test_an_upgrade_that_did_not_end_does_not_count() -> None:
    assert parse_apt_history("Start-Date: 2025-01-02  00:00:00\nUpgrade: a:amd64 (1, 2)\n") is None


def test_a_date_that_is_none_is_a_parse_error() -> None:
    with pytest.raises(ParseError):
        parse_apt_history(_UPGRADE.format("2025-13-45  10:00:00"))
    with pytest.raises(ParseError):
        parse_dnf_log("yesterday SUBDEBUG Upgrade: a-1.x86_64")


def test_a_log_that_unpacks_beyond_measure_is_cut() -> None:
    assert len(parse_gzip(gzip.compress(bytes(MOST_BYTES + 1000)))) == MOST_BYTES


@given(st.text())
def test_os_release_gives_back_what_a_shell_would_read(value: str) -> None:
    line = shlex.quote("".join(value.split()))
    assert parse_os_release(f"# comment\nVERSION_ID={line}\nnot an assignment\n") == {
        "VERSION_ID": "".join(value.split())
    }


@given(st.text() | st.text("ABCID_='\"\\\n= 0123456789"))
def test_any_text_is_facts_or_a_parse_error(text: str) -> None:
    for parse in (
        parse_os_release,
        parse_boot_time,
        lambda date: parse_apt_history(_UPGRADE.format(date)),
        parse_apt_history,
        lambda date: parse_dnf_log(f"{date} SUBDEBUG Upgrade: a"),
    ):
        try:
            parse(text)
        except ParseError as problem:
            assert str(problem).endswith(".")


@given(st.binary() | st.binary().map(lambda content: gzip.compress(content)[:-5]))
def test_any_bytes_are_a_log_or_a_parse_error(content: bytes) -> None:
    try:
        assert isinstance(parse_gzip(content), str)
    except ParseError as problem:
        assert str(problem).endswith(".")


def test_the_probe_leaves_the_lists_of_apt_as_they_were() -> None:
    lists = Path("/var/lib/apt/lists")
    if not lists.exists():
        pytest.skip("this system has no apt")
    before = sorted((entry.name, entry.stat().st_mtime_ns) for entry in os.scandir(lists))
    PROBE.observe(Host())
    assert sorted((entry.name, entry.stat().st_mtime_ns) for entry in os.scandir(lists)) == before
