import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerequis.v1.exposure_pb2 import TimeSync
from prerequis_agent.clock import Clock, kernel_clock, parse_timex
from prerequis_agent.errors import NotPermitted, Unreadable
from prerequis_agent.host import CommandResult, Host
from prerequis_agent.probe import Probe
from prerequis_agent.probes.time_sync import PROBE, has_source, parse_systemsetup


def test_each_machine_shows_how_its_clock_is_kept(check: Callable[[Probe], None]) -> None:
    check(PROBE)


@pytest.mark.skipif(not Path("/usr/bin/systemctl").exists(), reason="systemctl is the independent witness")
def test_the_service_here_is_enabled_when_systemctl_says_so() -> None:
    facts = PROBE.observe(Host()).facts
    assert isinstance(facts, TimeSync)
    services = ("systemd-timesyncd", "chrony", "chronyd", "ntpsec", "ntp", "ntpd")
    told = subprocess.run(["systemctl", "is-enabled", *services], capture_output=True, check=False, text=True).stdout
    assert facts.enabled == ("enabled" in told.split())


def test_without_rights_macos_does_not_say(tmp_path: Path) -> None:
    refusal = CommandResult(0, "You need administrator access to run this tool... exiting!\n", "")
    with pytest.raises(NotPermitted):
        PROBE.observe(Host(tmp_path, "darwin", answers={"systemsetup -getusingnetworktime": refusal}))


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("[Time]\n#NTP=ntp.example\n", None),
        ("[Time]\nNTP=ntp.example\n", True),
        ("[Time]\nNTP=\nFallbackNTP=\n", False),
        ("[Time]\nFallbackNTP=ntp.example\n", True),
    ],
)
def test_timesyncd_has_the_sources_of_its_configuration(text: str, source: bool | None) -> None:
    assert has_source(text) == source


@given(st.text())
def test_any_text_is_a_switch_or_an_error(text: str) -> None:
    with pytest.raises((NotPermitted, Unreadable)):
        parse_systemsetup(text.replace("Network Time", ""))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has adjtimex")
def test_the_clock_is_synchronised_as_long_as_the_kernel_bounds_its_error() -> None:
    def told(microseconds: int) -> Clock:
        return parse_timex(struct.pack("@illlli", 0, 5, 7, microseconds, 3, 0) + bytes(64))

    assert told(250_000) == Clock(True, 0.25)
    assert not told(16_000_000).synchronised


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has adjtimex")
def test_the_kernel_answers_and_nothing_is_set() -> None:
    before = time.time()
    assert 0 <= kernel_clock().largest_error_seconds <= 16
    assert abs(time.time() - before) < 5
