import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.agent.probes.conftest import fixture_machine

from prerequis.v1.access_pb2 import RemovableMedia
from prerequis_agent.host import Host
from prerequis_agent.probe import Probe
from prerequis_agent.probes.removable_media import PROBE


def test_each_machine_shows_what_sticks_may_do(check: Callable[[Probe], None]) -> None:
    check(PROBE)


def test_the_refusal_to_write_in_clear_is_read_where_windows_obeys_it(tmp_path: Path) -> None:
    """Trap T5: the value under SOFTWARE, where some published rules look, changes nothing."""
    facts = PROBE.observe(fixture_machine("access/windows-10-22h2-not-admin", tmp_path)).facts
    assert isinstance(facts, RemovableMedia)
    assert facts.HasField("write_needs_encryption")
    assert not facts.write_needs_encryption


@pytest.mark.skipif(not Path("/proc/version").exists(), reason="only Linux has modprobe.d")
def test_storage_is_blocked_on_this_machine_where_grep_finds_it() -> None:
    places = ["/etc/modprobe.d", "/run/modprobe.d", "/usr/lib/modprobe.d", "/etc/usbguard"]
    found = subprocess.run(
        ["grep", "-rsE", "usb[-_]storage|ImplicitPolicyTarget", *places], capture_output=True, check=False
    )
    facts = PROBE.observe(Host()).facts
    assert isinstance(facts, RemovableMedia)
    if not found.stdout:
        assert facts.HasField("storage_blocked")
        assert not facts.storage_blocked
