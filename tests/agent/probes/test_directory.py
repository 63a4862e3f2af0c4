import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerequis.v1.access_pb2 import Directory
from prerequis_agent.errors import ParseError
from prerequis_agent.host import Host
from prerequis_agent.probe import Probe
from prerequis_agent.probes.directory import PROBE, parse_enrolment


def test_each_machine_shows_who_manages_it(check: Callable[[Probe], None]) -> None:
    check(PROBE)


@pytest.mark.skipif(not Path("/etc/nsswitch.conf").exists(), reason="only Unix has nsswitch.conf")
def test_this_machine_is_in_no_domain_where_every_account_is_in_its_own_file() -> None:
    known = {line.split(":")[0] for line in Path("/etc/passwd").read_text().splitlines()}
    listed = subprocess.run(["getent", "passwd"], capture_output=True, text=True, check=True).stdout
    if {line.split(":")[0] for line in listed.splitlines()} > known:
        pytest.skip("this machine has accounts of a domain")
    facts = PROBE.observe(Host()).facts
    assert isinstance(facts, Directory)
    assert facts.join == Directory.WORKGROUP


@given(st.text() | st.sampled_from(["MDM enrollment: Yes\n", "Enrolled via DEP: No\nMDM enrollment: No\n"]))
def test_any_answer_is_an_enrolment_or_a_parse_error(answer: str) -> None:
    try:
        assert parse_enrolment(answer) is ("MDM enrollment: Yes" in answer)
    except ParseError:
        assert "MDM enrollment: " not in answer
