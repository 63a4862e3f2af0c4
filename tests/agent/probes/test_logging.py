from collections.abc import Callable
from pathlib import Path

import pytest
from tests.agent.probes.windows_fixture import FixtureWindows

from prerequis.v1.exposure_pb2 import Logging
from prerequis_agent.host import Host
from prerequis_agent.probe import Probe
from prerequis_agent.probes.logging import PROBE, sends_elsewhere


def test_each_machine_shows_its_journals(check: Callable[[Probe], None]) -> None:
    check(PROBE)


def test_the_journal_here_is_kept_when_its_directory_is_there() -> None:
    facts = PROBE.observe(Host()).facts
    assert isinstance(facts, Logging)
    kept = [path for path in ("/var/log/journal", "/var/log/syslog", "/var/log/messages") if Path(path).exists()]
    if (
        Path("/etc/systemd/journald.conf").exists()
        and "Storage=v" not in Path("/etc/systemd/journald.conf").read_text()
    ):
        assert facts.persistent == bool(kept)


def test_trap_t1_the_audit_policy_is_told_by_guid_and_number(tmp_path: Path) -> None:
    windows = FixtureWindows({"win32": {"audit_policy": {"{0CCE9215-69AE-11D9-BED3-505054503030}": 3}}})
    facts = PROBE.observe(Host(tmp_path, "win32", windows=windows)).facts
    assert isinstance(facts, Logging)
    told = [(setting.subcategory, setting.setting) for setting in facts.audit.settings]
    assert told == [("0cce9215-69ae-11d9-bed3-505054503030", 3)]


def test_a_policy_wins_over_the_journals_own_size(tmp_path: Path) -> None:
    own = {r"HKLM\SYSTEM\CurrentControlSet\Services\EventLog\Security": {"MaxSize": 1}}
    policy = {r"HKLM\SOFTWARE\Policies\Microsoft\Windows\EventLog\Security": {"MaxSize": 2}}
    for registry, size in ((own, 1), (own | policy, 2048)):
        facts = PROBE.observe(Host(tmp_path, "win32", windows=FixtureWindows({"registry": registry}))).facts
        assert isinstance(facts, Logging)
        assert facts.security_log_bytes == size


@pytest.mark.parametrize(
    ("text", "elsewhere"),
    [
        ("*.* @192.0.2.1:514", True),
        ("auth,authpriv.* @@journaux.example", True),
        ('action(type="omfwd" target="192.0.2.1")', True),
        ("# *.* @192.0.2.1", False),
        ('# action(type="omfwd")', False),
        ("mail.err /var/log/mail@erreurs", False),
    ],
)
def test_what_leaves_the_machine_is_told_from_what_stays(text: str, elsewhere: bool) -> None:
    assert sends_elsewhere(text) == elsewhere
