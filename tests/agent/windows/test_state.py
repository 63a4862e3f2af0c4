"""What the agent keeps, with the semantics of Windows: an open file is neither replaced nor removed."""

import sys

assert sys.platform == "win32"

from pathlib import Path

import pytest
import win32security

from prerequis_agent import durable


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    place = tmp_path / "état à garder" / "rapport.report"
    durable.write(place, b"un")
    durable.write(place, b"deux")
    assert place.read_bytes() == b"deux"
    assert [path.name for path in place.parent.iterdir()] == ["rapport.report"]


def test_a_file_that_somebody_holds_open_stays_as_it_was(tmp_path: Path) -> None:
    place = tmp_path / "rapport.report"
    durable.write(place, b"un")
    with place.open("rb") as held, pytest.raises(PermissionError):
        held.read()
        durable.write(place, b"deux")
    assert place.read_bytes() == b"un"
    assert [path.name for path in tmp_path.iterdir()] == ["rapport.report"]


def _admitted(path: Path) -> set[str]:
    descriptor = win32security.GetFileSecurity(str(path), win32security.DACL_SECURITY_INFORMATION)
    access = descriptor.GetSecurityDescriptorDacl()
    return {win32security.ConvertSidToStringSid(access.GetAce(index)[2]) for index in range(access.GetAceCount())}


def test_the_state_is_closed_to_the_users_of_the_machine(tmp_path: Path) -> None:
    place = tmp_path / "agent" / "identity.pem"
    durable.write(place, b"une clef")
    users, everyone, authenticated = "S-1-5-32-545", "S-1-1-0", "S-1-5-11"
    assert everyone in _admitted(tmp_path)
    # Wine gives files the access of their Unix mode in place of what they inherit, so only the folder can be tried.
    assert "S-1-5-18" in _admitted(place.parent)
    assert not _admitted(place.parent) & {users, everyone, authenticated}
