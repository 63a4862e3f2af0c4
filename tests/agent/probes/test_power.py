import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerequis.v1.exposure_pb2 import Power
from prerequis_agent.errors import Unreadable, Unsupported
from prerequis_agent.host import CommandResult, Host
from prerequis_agent.probe import Probe
from prerequis_agent.probes.power import PROBE, parse_pmset


def test_each_machine_shows_what_feeds_it(check: Callable[[Probe], None]) -> None:
    check(PROBE)


@pytest.mark.skipif(not Path("/sys/class/power_supply").exists(), reason="this system has no list of supplies")
def test_the_battery_is_that_of_the_kernels_own_list() -> None:
    facts = PROBE.observe(Host()).facts
    assert isinstance(facts, Power)
    types = subprocess.run(
        ["find", "/sys/class/power_supply/", "-mindepth", "1", "-maxdepth", "1", "-exec", "cat", "{}/type", ";"],
        capture_output=True, check=True, text=True,
    ).stdout  # fmt: skip
    assert facts.battery == ("Battery" in types.split())
    assert facts.battery or facts.on_mains


def test_the_bit_of_the_lock_is_not_part_of_the_type_of_case(tmp_path: Path) -> None:
    place = tmp_path / "sys/class/dmi/id/chassis_type"
    place.parent.mkdir(parents=True)
    for told, kept in (("138\n", 10), ("1\n", 0), ("2\n", 0)):
        place.write_text(told)
        (tmp_path / "sys/class/power_supply").mkdir(parents=True, exist_ok=True)
        facts = PROBE.observe(Host(tmp_path, "linux")).facts
        assert isinstance(facts, Power)
        assert facts.chassis == kept


def test_an_empty_answer_says_nothing_of_the_mains(tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        parse_pmset("")
    with pytest.raises(Unsupported):
        PROBE.observe(Host(tmp_path, "darwin", answers={"pmset -g batt": CommandResult(0, "", "")}))


@given(st.text() | st.sampled_from(["Now drawing from 'AC Power'\n", "Now drawing from 'UPS Power'\n"]))
def test_any_text_is_a_supply_or_unreadable(text: str) -> None:
    try:
        battery, _ = parse_pmset(text)
    except Unreadable:
        assert "Now drawing from" not in text or "Power'" not in text
    else:
        assert battery == ("InternalBattery" in text)
