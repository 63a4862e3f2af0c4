"""What the agent keeps, with the semantics of Windows: an open file is neither replaced nor removed."""

import sys

assert sys.platform == "win32"

from pathlib import Path

import pytest

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
