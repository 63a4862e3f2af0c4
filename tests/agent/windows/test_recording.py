"""What a Windows machine answers, recorded, gives the same facts when it is told again."""

import sys

assert sys.platform == "win32"

import tomllib
from pathlib import Path

from tests.agent.probes.conftest import FixtureHost

from prerequis_agent.commands.selftest import observed
from prerequis_agent.fixture_text import written
from prerequis_agent.recording import RecordingHost
from prerequis_agent.runner import discover
from prerequis_agent.scrubbing import Scrubber

# They ask PC/SC, psutil or the network too, which a fixture host has not.
LIVE_ONLY = {"smartcard", "machine", "network", *(probe.name for probe in discover() if probe.uses_surroundings)}

PARTS = ("facts", "error")


def test_a_recorded_windows_told_again_gives_the_same_facts(tmp_path: Path) -> None:
    host = RecordingHost()
    probes = [probe for probe in discover() if probe.name not in LIVE_ONLY]
    golden = {probe.name: observed(probe, host) for probe in probes}
    story = tomllib.loads(written({"secrets": [], **Scrubber([]).scrub(host.story())}, "essai"))
    again = FixtureHost(tmp_path, story, "essai")
    told = {probe.name: again.observe(probe) for probe in probes}
    # A fixture host says in other words what this Windows does not have.
    different = [name for name in golden if any(told[name].get(part) != golden[name].get(part) for part in PARTS)]
    assert {name: (told[name], golden[name]) for name in different} == {}
    assert story["registry"]
    assert story["win32"]
