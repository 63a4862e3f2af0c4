from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.probes.conftest import fixture_machine

from prerequis.v1.access_pb2 import SessionLock
from prerequis_agent.dconf import parse_keyfile, seconds
from prerequis_agent.errors import Unsupported
from prerequis_agent.host import Host
from prerequis_agent.probe import Probe
from prerequis_agent.probes.session_lock import PROBE


def test_each_machine_shows_its_lock(check: Callable[[Probe], None]) -> None:
    check(PROBE)


def test_a_lock_that_no_policy_imposes_is_seen_all_the_same(tmp_path: Path) -> None:
    """Trap T4: the policy's absence is not the absence of a lock."""
    facts = PROBE.observe(fixture_machine("access/windows-11-bitlocker-suspended", tmp_path)).facts
    assert isinstance(facts, SessionLock)
    assert (facts.enabled, facts.imposed, facts.delay_seconds) == (True, False, 1200)


def test_a_screen_saver_without_program_locks_nothing(tmp_path: Path) -> None:
    facts = PROBE.observe(fixture_machine("access/windows-11-home", tmp_path)).facts
    assert isinstance(facts, SessionLock)
    assert facts.HasField("enabled")
    assert not facts.enabled


@pytest.mark.skipif(Path("/usr/share/xsessions").exists(), reason="this machine has a desktop")
def test_a_machine_without_desktop_has_nothing_to_lock() -> None:
    with pytest.raises(Unsupported, match="bureau"):
        PROBE.observe(Host(platform="linux"))


@given(st.text() | st.text("[]=#/ \nabc"))
def test_any_text_is_a_key_file(text: str) -> None:
    assert all(path.startswith("/") for path in parse_keyfile(text))
    assert seconds(text) is None or seconds(text) == int(text.rpartition(" ")[2])
