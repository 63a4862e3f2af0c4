"""Whole machines: every probe looks at each of them, and says what the machine's golden file says.

But those that ask the network, of which a fixture host has none.
"""

from pathlib import Path

import pytest
from tests.agent.probes.conftest import STORIES, fixture_machine, golden_of
from tests.agent.probes.stories import HOSTS, WHOLE, told

from prerequis_agent.runner import discover

MACHINES = [name for name in STORIES if name.startswith(WHOLE)]


@pytest.mark.parametrize("name", MACHINES)
def test_every_probe_says_of_a_whole_machine_what_its_golden_file_says(
    name: str, tmp_path: Path, paris_time: None
) -> None:
    host = fixture_machine(name, tmp_path)
    said = {probe.name: host.anew().observe(probe) for probe in discover() if not probe.uses_surroundings}
    assert said == golden_of(name), f"read the difference after: python -m tests.agent.probes.golden {name}"


@pytest.mark.parametrize("name", MACHINES)
def test_a_whole_machine_says_where_it_comes_from_and_hides_something(name: str) -> None:
    first = (HOSTS / f"{name}.toml").read_text("utf-8").partition(" ")[2]
    assert first.startswith(("Synthetic", "Derived", "Recorded"))
    assert told(name)["secrets"]


@pytest.mark.parametrize("name", MACHINES)
def test_most_probes_find_something_on_a_whole_machine(name: str) -> None:
    found = [probe for probe, said in golden_of(name).items() if "facts" in said]
    assert len(found) >= 30
