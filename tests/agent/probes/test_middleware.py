"""The middleware of the card: what is said of each machine, and what is never looked at."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.probes.conftest import FixtureHost

from prerequis.v1.middleware_pb2 import Middleware
from prerequis_agent.host import Host
from prerequis_agent.probe import Probe
from prerequis_agent.probes.middleware import PROBE, parse_adm, parse_galss, parse_traces, parse_version


def test_each_machine_shows_its_middleware(check: Callable[[Probe], None]) -> None:
    check(PROBE)


def test_the_cache_and_the_logs_of_the_cards_are_never_looked_at(fixture_host: FixtureHost) -> None:
    fixture_host.observe(PROBE)
    inside = [path for path in fixture_host.asked if "santesocial" in path.lower()]
    assert [path for path in inside if "cache" in path.lower() or "log" in path.lower()] == []
    assert all(path.endswith((".conf", ".so", ".adm", "/adm")) for path in inside)


def test_a_machine_that_shows_nothing_has_no_middleware_known(fixture_host: FixtureHost) -> None:
    seen = fixture_host.observe(PROBE)
    assert "error" in seen or seen["facts"]


def test_traces_that_may_be_hidden_are_not_known(tmp_path: Path) -> None:
    uninstall = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall\Cryptolib"
    story = {
        "platform": "win32",
        "secrets": [],
        "refused": [r"HKLM\SOFTWARE\ASIP Sante\PKCS11"],
        "registry": {uninstall: {"DisplayName": "Composants Cryptographiques CPS v5.2.2"}},
    }
    facts = PROBE.observe(FixtureHost(tmp_path, story, "hidden")).facts
    assert isinstance(facts, Middleware)
    assert facts.cryptolib.present and not facts.cryptolib.HasField("traces")


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("5.2.2", (5, 2, 2)),
        ("v05.02.02", (5, 2, 2)),
        ("05.00.37", (5, 0, 37)),
        ("5.2.2 (x64)", (5, 2, 2)),
        ("5", ()),
        ("", ()),
        ("x5.2", ()),
    ],
)
def test_a_version_is_its_numbers(text: str, numbers: tuple[int, ...]) -> None:
    assert parse_version(text) == numbers


@pytest.mark.parametrize(
    ("text", "traced"),
    [
        ("traces \n{\n\tactive = true;\n\tdebug = 10;\n}", True),
        ("traces { active = false; debug = 3; }", True),
        ("traces { active = false; debug = 0; }", False),
        ("traces {\n  # active = true;\n}", False),
        ("Sign_Hash\n{\n\tactive = true;\n}\n", False),
        ("", False),
    ],
)
def test_traces_are_on_where_the_settings_say_so(text: str, traced: bool) -> None:
    assert parse_traces(text) is traced


@given(st.text() | st.text("v0123456789. ()"))
def test_any_text_is_a_version_or_none(text: str) -> None:
    assert all(number >= 0 for number in parse_version(text))


@given(st.text() | st.text("traces{}=;active#\n debug10"))
def test_any_text_is_settings(text: str) -> None:
    assert parse_traces(text) in (True, False)


def test_looking_takes_little() -> None:
    def cost() -> tuple[float, float]:
        wall, cpu = time.perf_counter(), time.process_time()
        PROBE.observe(Host())
        return time.perf_counter() - wall, time.process_time() - cpu

    # The best of three: other work on this machine is none of the probe's.
    wall, cpu = (min(seconds) for seconds in zip(*(cost() for _ in range(3)), strict=True))
    assert (wall < 5, cpu < 0.15) == (True, True)


@pytest.mark.parametrize(
    ("text", "serial"),
    [
        ("[CANAL1]\r\nCaracteristiques=COM4\r\n", True),
        ('[CANAL1]\nCaracteristiques = "com12,9600"\n', True),
        ("[CANAL1]\rCaracteristiques=/dev/cu.usbserial\r", True),
        ("[CANAL1]\rCaracteristiques=Ingenico TL TELIUM(1)\r", False),
        ("[CANAL1]\nCaracteristiques=COMPACT Reader 0\n", False),
        ("[CONFIG]\nNbCanaux=0\n", None),
        ("", None),
    ],
)
def test_a_galss_on_a_serial_port_is_known_from_its_channels(text: str, serial: bool | None) -> None:
    assert parse_galss(text) is serial


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("050202\nINSTALLEUR_CRYPTOLIB_CPS", "5.2.2"),
        ("050037\r\nINSTALLEUR_CRYPTOLIB_CPS_64B\r\n", "5.0.37"),
        ("034203\nINTERFACE_PKCS#11", None),
        ("050202", None),
        ("", None),
    ],
)
def test_an_inventory_file_tells_the_version_of_cryptolib_alone(text: str, version: str | None) -> None:
    assert parse_adm(text) == version


@given(st.text())
def test_any_text_is_settings_or_an_inventory_file(text: str) -> None:
    assert parse_galss(text) in (True, False, None)
    assert parse_adm(text) is None or parse_version(parse_adm(text) or "")
