"""Which machine made a report, and which of its reports it is."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.agent.probes.windows_fixture import FixtureWindows

from prerequis.v1.report_pb2 import Report
from prerequis_agent.config import State
from prerequis_agent.errors import ConfigurationError
from prerequis_agent.execution import CommandResult
from prerequis_agent.host import Host
from prerequis_agent.origin import DIGEST_BYTES, machine, number

ID = "0123456789abcdef0123456789abcdef"
_IOREG = """<?xml version="1.0" encoding="UTF-8"?>
<plist version="1.0"><array><dict><key>IOPlatformUUID</key><string>{id}</string></dict></array></plist>"""


def _linux(root: Path, content: str, path: str = "etc/machine-id") -> Host:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
    return Host(root, "linux")


def _mac(root: Path, uuid: str) -> Host:
    answer = CommandResult(0, _IOREG.format(id=uuid), "")
    return Host(root, "darwin", answers={"ioreg -a -r -d 1 -c IOPlatformExpertDevice": answer})


def _windows(root: Path, guid: str) -> Host:
    story = {"registry": {r"HKLM\SOFTWARE\Microsoft\Cryptography": {"MachineGuid": guid}}}
    return Host(root, "win32", windows=FixtureWindows(story))


@pytest.mark.parametrize("made", [_linux, _mac, _windows])
def test_a_machine_is_told_from_others_and_its_number_stays_on_it(
    tmp_path: Path, made: Callable[[Path, str], Host]
) -> None:
    first, second = made(tmp_path, ID), made(tmp_path / "other", ID[::-1])
    told = machine(first, "agent")
    assert told is not None
    assert len(told) == DIGEST_BYTES
    assert machine(first, "agent") == told
    assert machine(second, "agent") != told
    # Enrolled again it is somebody else: nobody can follow a machine from one identity to the next.
    assert machine(first, "another agent") != told
    assert bytes.fromhex(ID)[:DIGEST_BYTES] not in told


def test_where_dbus_alone_knows_the_machine_it_is_asked(tmp_path: Path) -> None:
    expected = machine(_linux(tmp_path / "new", ID), "agent")
    assert machine(_linux(tmp_path / "old", ID, "var/lib/dbus/machine-id"), "agent") == expected


@pytest.mark.parametrize("content", ["", "uninitialized\n", "x" * 32, ID[:-1]])
def test_an_image_that_was_never_started_is_no_machine_yet(tmp_path: Path, content: str) -> None:
    assert machine(_linux(tmp_path, content), "agent") is None


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32", "freebsd14"])
def test_what_the_system_does_not_say_stays_unknown(tmp_path: Path, platform: str) -> None:
    assert machine(Host(tmp_path, platform), "agent") is None


def test_reports_are_numbered_one_after_the_other(tmp_path: Path) -> None:
    numbers = []
    for _ in range(3):
        report = Report()
        number(State(tmp_path), report)
        numbers.append(report.origin.number)
    assert numbers == [1, 2, 3]


@pytest.mark.parametrize("left", ["", "x", "-7\n", None])
def test_a_number_that_was_lost_goes_on_from_what_the_collector_took(tmp_path: Path, left: str | None) -> None:
    state, kept = State(tmp_path), Report()
    kept.origin.number = 41
    state.acknowledged.write_bytes(kept.SerializeToString())
    if left is not None:
        state.number.write_text(left)
    report = Report()
    number(state, report)
    assert report.origin.number == 42


def test_a_number_that_cannot_be_kept_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(ConfigurationError, match=r"ne peut pas être gardé dans .*: .*relancer\.$"):
        number(State(tmp_path / "state"), Report())
