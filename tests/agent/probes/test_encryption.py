import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.probes.conftest import FixtureHost, fixture_machine
from tests.agent.probes.stories import told

from prerequis.v1.access_pb2 import EncryptedVolume, Encryption
from prerequis_agent.errors import NotPermitted, ParseError
from prerequis_agent.host import Host
from prerequis_agent.probe import Probe
from prerequis_agent.probes.encryption import PROBE, asks_at_start, parse_filevault, parse_mounts, protection_of


def test_each_machine_shows_its_volumes(check: Callable[[Probe], None]) -> None:
    check(PROBE)


def _walk(
    devices: list[dict[str, Any]], above: tuple[dict[str, Any], ...] = ()
) -> Iterator[tuple[dict[str, Any], ...]]:
    for device in devices:
        yield (*above, device)
        yield from _walk(device.get("children", []), (*above, device))


@pytest.mark.skipif(not Path("/proc/self/mountinfo").exists(), reason="only Linux has mountinfo")
def test_the_volumes_of_this_machine_are_those_of_lsblk() -> None:
    columns = "NAME,TYPE,MOUNTPOINTS,RM,HOTPLUG"
    listed = subprocess.run(["lsblk", "--json", "--output", columns], capture_output=True, text=True, check=True).stdout
    data = [
        path
        for path in _walk(json.loads(listed)["blockdevices"])
        if {place for place in path[-1]["mountpoints"] if place} - {"/boot", "/boot/efi", "/efi"}
        and not any(each["rm"] or each["hotplug"] for each in path)
        and path[0]["type"] != "loop"
        and not path[0]["name"].startswith("zram")
    ]
    facts = PROBE.observe(Host()).facts
    assert isinstance(facts, Encryption)
    expected = [any(each["type"] == "crypt" for each in path) for path in data]
    assert sorted(volume.protection == EncryptedVolume.ON for volume in facts.volumes) == sorted(expected)
    assert [volume.system for volume in facts.volumes].count(True) == sum(
        "/" in path[-1]["mountpoints"] for path in data
    )


def test_without_an_administrator_s_rights_bitlocker_is_not_known(tmp_path: Path) -> None:
    """Trap T10: every official interface asks for them."""
    with pytest.raises(NotPermitted, match="en administrateur"):
        PROBE.observe(fixture_machine("access/windows-10-22h2-not-admin", tmp_path))


def test_an_empty_list_of_volumes_is_not_a_machine_without_volume(tmp_path: Path) -> None:
    with pytest.raises(ParseError, match="pas pu être vérifié"):
        PROBE.observe(fixture_machine("access/windows-silent", tmp_path))


@pytest.mark.parametrize(
    ("status", "conversion", "protection"),
    [
        (1, 1, EncryptedVolume.ON),
        (0, 0, EncryptedVolume.OFF),
        (0, 1, EncryptedVolume.SUSPENDED),
        (0, 2, EncryptedVolume.IN_PROGRESS),
        (1, 3, EncryptedVolume.IN_PROGRESS),
        (2, None, EncryptedVolume.LOCKED),
        (None, None, None),
        (1, 0, None),
    ],
)
def test_an_encrypted_volume_is_protected_only_when_its_key_is(
    status: int | None, conversion: int | None, protection: int | None
) -> None:
    assert protection_of(status, conversion) == protection


@pytest.mark.parametrize(
    ("kinds", "asks"),
    [
        ([1], False),
        ([1, 3], False),
        ([1, 2, 3], False),
        ([3, 4], True),
        ([5], True),
        ([6, 7], True),
        ([2], True),
        ([8, 3], True),
        ([3], None),
        ([], None),
    ],
)
def test_something_is_asked_at_start_unless_the_tpm_opens_the_volume_alone(kinds: list[int], asks: bool | None) -> None:
    assert asks_at_start(frozenset(kinds)) is asks


def test_a_volume_whose_protectors_are_not_told_keeps_its_protection(tmp_path: Path) -> None:
    story = told("access/windows-11-bitlocker-suspended")
    del story["win32"]["key_protectors"]
    seen = PROBE.observe(FixtureHost(tmp_path, story, "essai"))
    assert isinstance(seen.facts, Encryption)
    assert seen.facts.volumes[0].protection == EncryptedVolume.SUSPENDED
    assert not seen.facts.volumes[0].HasField("recovery_key")
    assert seen.detail == "Ce Windows ne répond pas à key_protectors."


@given(st.text() | st.sampled_from(["FileVault is On.\n", "FileVault is Off.\n", ""]))
def test_any_answer_is_a_protection_or_a_parse_error(answer: str) -> None:
    try:
        assert (parse_filevault(answer) == EncryptedVolume.ON) is ("FileVault is On." in answer)
    except ParseError:
        assert "FileVault is O" not in answer


@given(st.text() | st.text("0123456789:/ -rw\n"))
def test_any_text_is_a_table_of_mounts(text: str) -> None:
    assert all(mount.place for mount in parse_mounts(text))
