import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.probes.conftest import fixture_machine

from prerequis.v1.access_pb2 import PasswordPolicy
from prerequis_agent.host import Host
from prerequis_agent.pam import parse_settings, parse_stack
from prerequis_agent.probe import Probe
from prerequis_agent.probes.password_policy import PROBE


def test_each_machine_shows_its_policy(check: Callable[[Probe], None]) -> None:
    check(PROBE)


@pytest.mark.skipif(not Path("/etc/login.defs").exists(), reason="only Linux has login.defs")
def test_the_policy_of_this_machine_is_that_of_its_files_as_awk_reads_them() -> None:
    program = '$1 == "ENCRYPT_METHOD" {print $2}'
    method = subprocess.run(["awk", program, "/etc/login.defs"], capture_output=True, text=True, check=True).stdout
    used = subprocess.run(
        ["grep", "-rlE", "pam_(faillock|tally2?|pwquality).so", "/etc/pam.d"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    facts = PROBE.observe(Host()).facts
    assert isinstance(facts, PasswordPolicy)
    assert facts.hash_method == method.strip()
    if not used:
        assert (facts.lockout_threshold, facts.complexity, facts.minimum_length) == (0, False, 6)


def test_a_password_that_never_expires_is_no_fault_and_is_told_as_zero(tmp_path: Path) -> None:
    """Trap T14: the value is told as it is; no rule of this agent calls it bad."""
    facts = PROBE.observe(fixture_machine("access/windows-10-22h2-not-admin", tmp_path)).facts
    assert isinstance(facts, PasswordPolicy)
    assert facts.HasField("maximum_age_days")
    assert facts.maximum_age_days == 0


def test_the_policy_of_a_domain_s_machine_is_told_to_be_that_of_its_local_accounts_alone(tmp_path: Path) -> None:
    """Trap T17: the people of a domain obey the domain's policy, which the machine does not show."""
    joined = PROBE.observe(fixture_machine("access/windows-11-24h2-pro-joined", tmp_path / "joined"))
    alone = PROBE.observe(fixture_machine("access/windows-11-home", tmp_path / "alone"))
    assert "comptes locaux" in joined.detail
    assert "comptes locaux" not in alone.detail


@given(st.text() | st.text("authpassword [=] .so#\n"))
def test_any_text_is_a_stack_and_settings(text: str) -> None:
    assert all(kind in {"auth", "account", "password", "session"} for kind, _ in parse_stack(text))
    assert isinstance(parse_settings(text), dict)
