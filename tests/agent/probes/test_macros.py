from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.probes.windows_fixture import FixtureWindows

from prerequis.v1.exposure_pb2 import Macros
from prerequis_agent.errors import ParseError, Unsupported
from prerequis_agent.host import Host
from prerequis_agent.probe import Probe
from prerequis_agent.probes.macros import PROBE, parse_preferences

_OFFICE = r"HKCU\Software\Policies\Microsoft\Office\16.0"


def test_each_machine_shows_what_is_imposed_on_macros(check: Callable[[Probe], None]) -> None:
    check(PROBE)


def test_one_program_left_free_leaves_the_matter_open(tmp_path: Path) -> None:
    strict = {"blockcontentexecutionfrominternet": 1, "vbawarnings": 4}
    windows = FixtureWindows({"registry": {rf"{_OFFICE}\{name}\Security": strict for name in ("Word", "Excel")}})
    assert PROBE.observe(Host(tmp_path, "win32", windows=windows)).facts == Macros()


def test_trap_t4_an_absent_policy_is_not_a_failure(tmp_path: Path) -> None:
    seen = PROBE.observe(Host(tmp_path, "win32", windows=FixtureWindows({})))
    assert seen.facts == Macros()
    assert "Aucune stratégie" in seen.detail


def test_linux_has_no_macros_of_office() -> None:
    with pytest.raises(Unsupported):
        PROBE.observe(Host(platform="linux"))


@given(st.binary())
def test_any_bytes_are_preferences_or_a_parse_error(content: bytes) -> None:
    with pytest.raises(ParseError):
        parse_preferences(content)
