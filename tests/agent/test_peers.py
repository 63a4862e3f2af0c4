"""What users of other agents complain of does not happen here: `peers.toml` names the tests of each row."""

import ast
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.agent.probes.conftest import fixture_machine
from tests.agent.probes.stories import HOSTS

from prerequis_agent.probes.drivers import PROBE as DRIVERS
from prerequis_agent.runner import discover

ROOT = Path(__file__).parents[2]
ROWS: dict[str, dict[str, Any]] = tomllib.loads(Path(__file__).with_name("peers.toml").read_text("utf-8"))
OF_AN_AGENT = {1, 2, 3, 4, 8, 9, 10, 11, 14, 15, 16, 17, 18, 21, 27}
"""The rows of the survey of peers that concern an agent; the others concern a collector or a screen."""

WINDOWS = sorted(path.stem for path in (HOSTS / "whole").glob("windows-*.toml"))
# Each asks every domain controller for every account, or makes Windows check every package that is installed.
ENUMERATIONS = ("Win32_UserAccount", "Win32_Group", "Win32_NetworkLoginProfile", "Win32_Account", "Win32_Product")


@cache
def functions(path: Path) -> frozenset[str]:
    """Return the names of the tests of a file."""
    body = ast.parse(path.read_text("utf-8")).body
    return frozenset(each.name for each in body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))


def test_every_row_that_concerns_an_agent_has_a_lesson_and_a_test() -> None:
    assert {int(number) for number in ROWS} == OF_AN_AGENT
    assert [number for number, row in ROWS.items() if not row["lesson"].endswith(".") or not row["tests"]] == []


@pytest.mark.parametrize("test", sorted({test for row in ROWS.values() for test in row["tests"]}))
def test_a_test_of_a_row_is_there(test: str) -> None:
    path, _, name = test.partition("::")
    assert name in functions(ROOT / path)


@pytest.mark.parametrize("name", WINDOWS)
def test_no_translated_text_is_read_because_no_program_of_windows_is_run(name: str, tmp_path: Path) -> None:
    """Row 1: what programs write is translated; the registry, CIM and the API give numbers, SIDs and GUIDs."""
    host = fixture_machine(f"whole/{name}", tmp_path)
    for probe in discover():
        if not probe.uses_surroundings:
            host.observe(probe)
    assert host.programs == set()
    assert host.windows.asked_keys


def test_no_probe_enumerates_the_users_of_a_directory() -> None:
    """Row 15: an inventory that took an hour of a domain's controllers."""
    asked = {(probe.name, each) for probe in discover() for each in probe.cim}
    assert [pair for pair in asked if pair[1].partition(":")[2].startswith(ENUMERATIONS)] == []
    assert not {"getent", "net", "dsquery", "powershell"} & {each for probe in discover() for each in probe.commands}


def test_the_problem_code_of_a_reader_is_reported(tmp_path: Path) -> None:
    """Row 17: a reader that is plugged in and has no driver."""
    said = fixture_machine("software/windows-11-24h2-pro", tmp_path).observe(DRIVERS)
    readers = [each for each in said["facts"]["drivers"] if each["class"] == "SMARTCARD_READER"]
    assert [each["problemCode"] for each in readers] == [0, 28]
