import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerequis.v1.access_pb2 import Accounts
from prerequis_agent.host import Host
from prerequis_agent.probe import Probe
from prerequis_agent.probes.accounts import PROBE
from prerequis_agent.unix_accounts import parse_group, parse_passwd, parse_shadow


def test_each_machine_shows_its_accounts(check: Callable[[Probe], None]) -> None:
    check(PROBE)


@pytest.mark.skipif(not Path("/etc/shadow").exists(), reason="only Linux has /etc/shadow")
def test_the_usable_accounts_of_this_machine_are_those_of_passwd() -> None:
    listed = subprocess.run(["passwd", "--status", "--all"], capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("only root lists the state of every account")
    states = {line.split()[0]: line.split()[1] for line in listed.stdout.splitlines()}
    shells = {line.split(":")[0]: line.split(":")[6] for line in Path("/etc/passwd").read_text().splitlines()}
    usable = [name for name, state in states.items() if state in {"P", "NP"} and "nologin" not in shells[name]]
    facts = PROBE.observe(Host()).facts
    assert isinstance(facts, Accounts)
    assert facts.enabled == len(usable)
    assert facts.without_password == sum(states[name] == "NP" for name in usable)
    assert facts.built_in_administrator_enabled == (states["root"] != "L")


@given(st.text() | st.text(":\nx!*0123456789abc"))
def test_any_text_is_a_list_of_accounts(text: str) -> None:
    assert all(account.name for account in parse_passwd(text))
    assert all(group.name for group in parse_group(text))
    assert all(name for name in parse_shadow(text))
