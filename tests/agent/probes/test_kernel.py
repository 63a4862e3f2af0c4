import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerequis.v1.exposure_pb2 import Kernel
from prerequis_agent.errors import Unreadable, Unsupported
from prerequis_agent.host import CommandResult, Host
from prerequis_agent.probe import Probe
from prerequis_agent.probes.kernel import PROBE, SETTINGS, parse_switch


def test_each_machine_shows_how_its_kernel_defends_itself(check: Callable[[Probe], None]) -> None:
    check(PROBE)


@pytest.mark.skipif(not Path("/usr/sbin/sysctl").exists(), reason="sysctl is the independent witness")
def test_the_settings_are_those_of_sysctl() -> None:
    facts = PROBE.observe(Host()).facts
    assert isinstance(facts, Kernel)
    told = subprocess.run(["/usr/sbin/sysctl", "-e", *SETTINGS], capture_output=True, check=False, text=True).stdout
    expected = dict(line.split(" = ") for line in told.splitlines())
    assert {setting.name: str(setting.value) for setting in facts.settings.settings} == expected
    assert expected


def test_a_kernel_that_shows_no_modules_may_have_access_control(tmp_path: Path) -> None:
    facts = PROBE.observe(Host(tmp_path, "linux")).facts
    assert isinstance(facts, Kernel)
    assert not facts.HasField("access_control")


def test_selinux_that_only_warns_does_not_protect(tmp_path: Path) -> None:
    enforce = tmp_path / "sys/fs/selinux/enforce"
    enforce.parent.mkdir(parents=True)
    enforce.write_text("0")
    facts = PROBE.observe(Host(tmp_path, "linux")).facts
    assert isinstance(facts, Kernel)
    assert facts.HasField("access_control") and not facts.access_control


def test_an_empty_answer_never_says_that_a_mac_is_protected(tmp_path: Path) -> None:
    silent = CommandResult(0, "", "")
    seen = PROBE.observe(Host(tmp_path, "darwin", answers={"csrutil status": silent, "spctl --status": silent}))
    assert seen.facts == Kernel()
    assert "csrutil n'a rien répondu" in seen.detail


def test_windows_has_other_probes() -> None:
    with pytest.raises(Unsupported):
        PROBE.observe(Host(platform="win32"))


@given(st.text(max_size=20), st.sampled_from(["", "status: enabled", "status: disabled", "assessments enabled"]))
def test_a_switch_is_on_off_or_unreadable(noise: str, said: str) -> None:
    try:
        on = parse_switch("csrutil", CommandResult(0, f"{noise}\n{said}", ""))
    except Unreadable:
        assert not said
    else:
        assert on == ("enabled" in said)
