import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerequis.v1.access_pb2 import Administrators
from prerequis_agent.host import Host
from prerequis_agent.probe import Probe
from prerequis_agent.probes.administrators import PROBE, classify
from prerequis_agent.sudoers import Grant, parse_sudoers
from prerequis_agent.windows.api import Member

MACHINE = "S-1-5-21-1-2-3"


def test_each_machine_shows_its_administrators(check: Callable[[Probe], None]) -> None:
    check(PROBE)


@pytest.mark.skipif(not Path("/etc/group").exists(), reason="only Unix has /etc/group")
def test_the_administrators_of_this_machine_are_those_of_getent() -> None:
    found = subprocess.run(["getent", "group", "sudo", "wheel", "admin"], capture_output=True, text=True, check=False)
    lines = found.stdout.splitlines()
    members = {name for line in lines for name in line.split(":")[3].split(",") if name} - {"root"}
    facts = PROBE.observe(Host()).facts
    assert isinstance(facts, Administrators)
    assert facts.local_users >= len(members)
    if not Path("/etc/sudoers").exists():
        assert facts.local_users == len(members)


@pytest.mark.parametrize(
    ("sid", "use", "counted"),
    [
        (f"{MACHINE}-500", 1, ""),
        (f"{MACHINE}-1001", 1, "local_users"),
        ("S-1-5-21-9-9-9-500", 1, "domain_users"),
        ("S-1-5-21-9-9-9-512", 2, "domain_groups"),
        ("S-1-5-21-9-9-9-513", 2, "everyone"),
        ("S-1-5-32-545", 4, "everyone"),
        ("S-1-12-1-1-2-3-4", 8, "entra_principals"),
        ("S-1-5-21-9-9-9-1104", 8, "unresolved"),
        ("S-1-5-21-9-9-9-1104", 6, "unresolved"),
    ],
)
def test_an_administrator_is_told_by_its_sid_and_never_by_a_translated_name(sid: str, use: int, counted: str) -> None:
    """Trap T1; and T6: what `Get-LocalGroupMember` fails on, an orphan or an Entra SID, is counted."""
    assert classify(Member(sid, use), MACHINE) == counted


@pytest.mark.parametrize(
    ("lines", "grants"),
    [
        (["alice ALL=(ALL) ALL"], [Grant("alice", without_password=False)]),
        (["%sudo ALL=(ALL:ALL) NOPASSWD: ALL"], [Grant("%sudo", without_password=True)]),
        (["alice ALL=(root) NOPASSWD: /bin/ls, PASSWD: ALL"], [Grant("alice", without_password=False)]),
        (["alice ALL=NOPASSWD:SETENV: /bin/ls, ALL"], [Grant("alice", without_password=True)]),
        (["alice ALL=(www-data) NOPASSWD: ALL"], []),
        (["alice ALL=(ALL) NOPASSWD: /usr/bin/apt"], []),
        (["alice ALL=(:adm) ALL"], []),
        (["alice ALL=(ALL, !root) ALL"], []),
        (["alice ALL=(ALL) CWD=/ NOPASSWD: ALL"], [Grant("alice", without_password=True)]),
        (["%#27 ALL=(ALL) ALL, !/bin/sh"], [Grant("%#27", without_password=False)]),
        (["Cmnd_Alias TOUT = ALL", "alice ALL = TOUT"], [Grant("alice", without_password=False)]),
        (["Defaults !authenticate", "alice ALL=(ALL) ALL"], [Grant("alice", without_password=True)]),
        (["Defaults:bob !authenticate", "alice ALL=(ALL) ALL"], [Grant("alice", without_password=False)]),
        (["alice pc1 = /bin/ls : pc2 = NOPASSWD: ALL"], [Grant("alice", without_password=True)]),
        (
            ["User_Alias A = alice, bob", "A, carl ALL = ALL"],
            [Grant(name, without_password=False) for name in ("alice", "bob", "carl")],
        ),
    ],
)
def test_sudo_makes_administrators_of_those_who_run_everything_as_root(lines: list[str], grants: list[Grant]) -> None:
    assert list(parse_sudoers(lines).grants) == grants


@given(st.lists(st.text() | st.text("abALPSWD=():,%!# ")))
def test_any_lines_are_rules_of_sudo(lines: list[str]) -> None:
    assert all(isinstance(grant, Grant) for grant in parse_sudoers(lines).grants)
