from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.probes.windows_fixture import FixtureWindows

from prerequis.v1.exposure_pb2 import Screen
from prerequis_agent.errors import ParseError, Unsupported
from prerequis_agent.host import CommandResult, Host
from prerequis_agent.probe import Probe
from prerequis_agent.probes.screen import PROBE, parse_displays, parse_size


def test_each_machine_shows_its_screen(check: Callable[[Probe], None]) -> None:
    check(PROBE)


@pytest.mark.skipif(Path("/sys/class/drm").exists() or Path("/sys/class/graphics").exists(), reason="it has a screen")
def test_a_machine_without_graphics_has_no_screen_known() -> None:
    with pytest.raises(Unsupported):
        PROBE.observe(Host())


def test_a_connector_without_a_screen_is_no_screen(tmp_path: Path) -> None:
    connector = tmp_path / "sys/class/drm/card0-DP-1"
    connector.mkdir(parents=True)
    (connector / "status").write_text("disconnected\n")
    seen = PROBE.observe(Host(tmp_path, "linux"))
    assert (seen.facts, seen.detail) == (Screen(), "Aucun écran n'est branché.")


def test_a_service_of_windows_asks_the_graphics_card(tmp_path: Path) -> None:
    rows = [
        {"CurrentHorizontalResolution": None},
        {"CurrentHorizontalResolution": 1280, "CurrentVerticalResolution": 1024},
    ]
    windows = FixtureWindows({"cim": {"root/cimv2:Win32_VideoController": rows}})
    assert PROBE.observe(Host(tmp_path, "win32", windows=windows)).facts == Screen(
        width_pixels=1280, height_pixels=1024
    )


def test_an_empty_answer_of_macos_is_no_screen_size(tmp_path: Path) -> None:
    answers = {"system_profiler -xml SPDisplaysDataType": CommandResult(0, "", "")}
    with pytest.raises(Unsupported, match="n'a rien répondu"):
        PROBE.observe(Host(tmp_path, "darwin", answers=answers))


@given(st.integers(10, 99999), st.integers(10, 99999), st.sampled_from(["x", ",", " x "]))
def test_a_size_is_read_however_it_is_written(width: int, height: int, between: str) -> None:
    assert parse_size(f"{width}{between}{height}\n") == (width, height)


@given(st.binary() | st.text().map(str.encode))
def test_any_bytes_are_displays_or_a_parse_error(content: bytes) -> None:
    with pytest.raises(ParseError):
        parse_displays(content)
