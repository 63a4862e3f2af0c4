import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerequis.v1.access_pb2 import Shares
from prerequis_agent.descriptor import parse_allowances
from prerequis_agent.errors import ParseError
from prerequis_agent.host import Host
from prerequis_agent.probe import Probe
from prerequis_agent.probes.shares import PROBE, parse_exports
from prerequis_agent.samba import Share, parse_configuration


def test_each_machine_shows_its_shares(check: Callable[[Probe], None]) -> None:
    check(PROBE)


@pytest.mark.skipif(not Path("/proc/mounts").exists(), reason="only Linux has /proc/mounts")
def test_the_shares_that_this_machine_uses_are_those_of_findmnt() -> None:
    found = subprocess.run(
        ["findmnt", "--noheadings", "--types", "cifs,nfs,nfs4,fuse.sshfs"], capture_output=True, text=True, check=False
    )
    facts = PROBE.observe(Host()).facts
    assert isinstance(facts, Shares)
    assert facts.mounted == len(found.stdout.splitlines())


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("[a]\npath=/a", [Share(to_guests=False, writable_by_everyone=False)]),
        ("[A]\n  Public = YES\n read only = no", [Share(to_guests=True, writable_by_everyone=True)]),
        ("[global]\nguest ok = yes\n[a]\n[b]\nguest ok = no", [Share(True, False), Share(False, False)]),
        ("[homes]\n[printers]\n[print$]\n; [x]\n", []),
    ],
)
def test_samba_offers_its_sections_that_are_folders(text: str, shares: list[Share]) -> None:
    assert parse_configuration(text) == shares


@pytest.mark.parametrize(
    ("line", "open_to_all"),
    [("/a *(rw)", True), ("/a (rw)", True), ("/a *(ro)", False), ("/a pc(rw)", False), ("/a *(sync,rw)", True)],
)
def test_a_folder_of_nfs_is_writable_by_everyone_where_no_machine_is_named(line: str, open_to_all: bool) -> None:
    assert parse_exports(line) == [Share(to_guests=False, writable_by_everyone=open_to_all)]


@given(st.binary(max_size=80) | st.binary(max_size=60).map(lambda tail: bytes.fromhex("01000480") + tail))
def test_any_bytes_are_rights_or_a_parse_error(content: bytes) -> None:
    try:
        allowances = parse_allowances(content)
    except ParseError as problem:
        assert str(problem).endswith(".")
    else:
        assert allowances is None or all(one.sid.startswith("S-") for one in allowances)
