import gzip
import os
import shlex
import shutil
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
from prerequis_agent.execution import MOST_BYTES
from prerequis_agent.host import Host
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

_LISTS = Path("/var/lib/apt/lists")
_needs_apt = pytest.mark.skipif(not (_LISTS.exists() and shutil.which("apt")), reason="this system has no apt")


def test_each_machine_shows_its_system(check: Callable[[Probe], None]) -> None:
    check(PROBE)


@pytest.fixture(scope="module")
def this_system() -> System:
    facts = PROBE.observe(Host()).facts
    assert isinstance(facts, System)
    return facts


def test_this_system_is_the_one_of_os_release_and_uname(this_system: System) -> None:
    told = subprocess.run(
        ["sh", "-c", '. /etc/os-release; echo "$ID"; echo "$VERSION_ID"; uname -r; uname -m'],
        capture_output=True,
        check=True,
        text=True,
    ).stdout.splitlines()
    assert [this_system.distribution, this_system.release, this_system.kernel, this_system.architecture] == told
    uptime = timedelta(seconds=time.clock_gettime(time.CLOCK_BOOTTIME))
    assert abs(datetime.now(UTC) - uptime - this_system.booted_at.ToDatetime(UTC)) < timedelta(seconds=5)


@_needs_apt
def test_the_list_of_updates_of_this_system_is_not_older_than_apts_files(this_system: System) -> None:
    releases = list(_LISTS.glob("*Release"))
    assert this_system.HasField("update_list_at") == bool(releases)
    for release in releases:
        assert this_system.update_list_at.ToDatetime(UTC).timestamp() > release.stat().st_ctime - 60


@_needs_apt
def test_to_look_at_the_updates_writes_nothing() -> None:
    places = ("/var/lib/apt", "/var/lib/apt/lists", "/var/lib/dpkg", "/var/cache/apt")

    def state() -> list[tuple[str, int]]:
        return sorted((entry.path, entry.stat().st_mtime_ns) for place in places for entry in os.scandir(place))

    before = state()
    PROBE.observe(Host())
    assert state() == before


def test_only_an_upgrade_is_an_update() -> None:
    installed = "Start-Date: 2025-01-02  00:00:00\nInstall: b:amd64 (1)\nEnd-Date: 2025-01-02  00:00:01\n"
    assert parse_apt_history(installed) is None
    both = f"{_UPGRADE.format('2025-01-01  10:00:00')}\n{installed}"
    assert parse_apt_history(both, timezone(timedelta(hours=1))) == datetime(2025, 1, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("command", "counts"),
    [
        ("apt-get -y dist-upgrade", True),
        ("/usr/bin/unattended-upgrade", True),
        ("packagekit role='update-packages'", True),
        ("apt install ./driver.deb", False),
        ("apt-get -qq build-dep bash", False),
    ],
)
def test_a_package_that_another_needed_is_no_upgrade_of_the_system(command: str, counts: bool) -> None:
    log = _UPGRADE.format("2025-01-01  10:00:00").replace("Upgrade:", f"Commandline: {command}\nUpgrade:")
    assert (parse_apt_history(log, UTC) is not None) == counts


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
