"""A machine recorded here is told again with the same facts, and holds nothing of whose it is."""

import json
import string
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from tests.agent.probes.conftest import FixtureHost

from prerequis_agent.fixture_text import written
from prerequis_agent.runner import discover
from prerequis_agent.scrubbing import Scrubber, secrets_of_this_machine

# A fixture host has no PC/SC; nor has it the network, which the probes that use their surroundings ask.
LIVE_ONLY = {"smartcard", *(probe.name for probe in discover() if probe.uses_surroundings)}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recorded")
    command = [sys.executable, "-m", "prerequis_agent", "selftest", "--record", str(folder), "--name", "essai"]
    subprocess.run(command, check=True, capture_output=True, timeout=100)
    return folder / "essai.toml"


def test_a_recorded_machine_told_again_gives_the_same_facts(recorded: Path, tmp_path: Path) -> None:
    golden = json.loads(recorded.with_suffix(".json").read_text("utf-8"))
    host = FixtureHost(tmp_path, tomllib.loads(recorded.read_text("utf-8")), "essai")
    probes = [probe for probe in discover() if probe.name not in LIVE_ONLY]
    told = {probe.name: host.observe(probe) for probe in probes}
    different = {name for name, said in told.items() if said != golden[name]}
    assert {name: (told[name], golden[name]) for name in different} == {}
    assert len(told) > 30


def test_a_recorded_machine_holds_no_secret_of_this_one(recorded: Path) -> None:
    text = recorded.read_text("utf-8").lower() + recorded.with_suffix(".json").read_text("utf-8").lower()
    words = set("".join(letter if letter.isalnum() or letter in "-_" else " " for letter in text).split())
    assert not words & {secret.lower() for secret in secrets_of_this_machine()}
    addresses = {path.read_text().strip() for path in Path("/sys/class/net").glob("*/address")} - {"00:00:00:00:00:00"}
    assert [address for address in addresses if address and address in text] == []
    shadow = Path("/etc/shadow")
    if shadow.exists():
        hashes = [line.split(":")[1] for line in shadow.read_text().splitlines()]
        assert [each for each in hashes if len(each) > 4 and each.lower() in text] == []


def test_what_was_equal_stays_equal_and_what_a_rule_needs_stays() -> None:
    scrub = Scrubber(["PF3ABC12", "marie"]).scrub
    assert scrub({"a": "C:\\Users\\Marie", "b": "marie@ehpad.example.fr", "c": ["pf3abc12", "PF3ABC12"]}) == {
        "a": "C:\\Users\\anonyme1",
        "b": "nom@exemple.invalid",
        "c": ["anonyme2", "anonyme2"],
    }
    assert scrub("S-1-5-21-11-22-33-500 S-1-5-21-11-22-33-512 S-1-5-32-544") == (
        "S-1-5-21-1-2-3-500 S-1-5-21-1-2-3-512 S-1-5-32-544"
    )
    assert scrub("a4:c3:f0:11:22:33") == scrub("A4:C3:F0:11:22:33") == "02:00:00:00:00:04"
    volume = "\\\\?\\Volume{0F1E2D3C-4B5A-6978-8796-A5B4C3D2E1F0}\\"
    assert scrub(volume) == scrub(volume.lower()).replace("volume", "Volume")
    assert "0F1E2D3C" not in scrub(volume)
    assert scrub("00:00:00:00:00:00 sommaire") == "00:00:00:00:00:00 sommaire"
    assert scrub("marie:$y$j9T$abcdef/.$XYZ:19000:0") == "anonyme1:$y$x$x:19000:0"
    assert scrub("<SSID><name>EHPAD-soins</name></SSID>") == "<SSID><name>reseau</name></SSID>"
    assert scrub({"HKU\\S-1-5-21-11-22-33-1001\\Control Panel": {"x": 1}}) == {
        "HKU\\S-1-5-21-1-2-3-1001\\Control Panel": {"x": 1}
    }


TOLD = some.recursive(
    some.text() | some.integers(-(2**63), 2**63 - 1) | some.booleans(),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(), inner, max_size=3),
    max_leaves=8,
)


@given(some.dictionaries(some.text(string.ascii_letters, min_size=1), TOLD, max_size=4))
def test_any_table_is_read_again_as_it_was_written(story: dict[str, Any]) -> None:
    assert tomllib.loads(written(story, "essai")) == json.loads(
        json.dumps(story, ensure_ascii=False).encode(errors="replace")
    )
