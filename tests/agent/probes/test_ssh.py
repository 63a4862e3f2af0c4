import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerequis.v1.access_pb2 import Ssh
from prerequis_agent.host import Host
from prerequis_agent.probe import Probe
from prerequis_agent.probes.ssh import PROBE, accepts_passwords, parse_directives

SERVER = Path("/usr/sbin/sshd")


def test_each_machine_shows_its_server(check: Callable[[Probe], None]) -> None:
    check(PROBE)


def test_what_this_machine_accepts_is_what_its_server_says() -> None:
    facts = PROBE.observe(Host(platform="linux")).facts
    assert isinstance(facts, Ssh)
    if not SERVER.exists():
        assert not facts.running
        return
    said = subprocess.run([SERVER, "-T"], capture_output=True, text=True, check=False)
    if said.returncode:
        pytest.skip("only root may ask sshd for its configuration")
    values = dict(line.split(" ", 1) for line in said.stdout.splitlines() if " " in line)
    assert facts.root_login == (values["permitrootlogin"] != "no")


# What `sshd -T` of OpenSSH 9.2 answered to these files: whether root signs in, and whether a password does.
@pytest.mark.parametrize(
    ("text", "by_password"),
    [
        ("", True),
        ("PasswordAuthentication no\nKbdInteractiveAuthentication no\n", False),
        ("PasswordAuthentication no\nUsePAM yes\n", True),
        ("PasswordAuthentication no\nChallengeResponseAuthentication no\nUsePAM yes\n", False),
        ('PasswordAuthentication "no"\n', False),
        ("PasswordAuthentication=no # never\nPasswordAuthentication yes\n", False),
        ("Match all\nPasswordAuthentication no\n", False),
        ("UsePAM no\nPasswordAuthentication no\n", False),
        # sshd -T does not tell what a Match block allows to some.
        ("PasswordAuthentication no\nMatch Address 10.0.0.0/8\nPasswordAuthentication yes\n", True),
        ("Match User admin\nPasswordAuthentication no\n", True),
    ],
)
def test_a_password_is_accepted_where_the_first_value_or_a_match_block_says_so(text: str, by_password: bool) -> None:
    assert accepts_passwords(parse_directives(text)) is by_password


@given(st.text() | st.text('Match all=no\n #"PasswordAuthentication'))
def test_any_text_is_a_configuration(text: str) -> None:
    assert all(values for values in parse_directives(text).values())
