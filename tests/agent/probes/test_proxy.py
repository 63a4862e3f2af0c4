from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerequis.v1.exposure_pb2 import Proxy
from prerequis_agent.errors import ParseError
from prerequis_agent.host import Host
from prerequis_agent.probe import Probe
from prerequis_agent.probes.proxy import PROBE, parse_flags, parse_scutil


def test_each_machine_shows_how_it_reaches_the_web(check: Callable[[Probe], None]) -> None:
    check(PROBE)


def test_the_proxy_here_is_that_of_the_environment_file() -> None:
    facts = PROBE.observe(Host()).facts
    assert isinstance(facts, Proxy)
    files = [Path("/etc/environment"), *Path("/etc/profile.d").glob("*")]
    named = any("_proxy=" in path.read_text().lower() for path in files if path.is_file())
    assert facts.configured == named


def test_a_desktop_may_have_a_proxy_that_the_agent_does_not_see(tmp_path: Path) -> None:
    schema = tmp_path / "usr/share/glib-2.0/schemas/org.gnome.system.proxy.gschema.xml"
    schema.parent.mkdir(parents=True)
    schema.touch()
    facts = PROBE.observe(Host(tmp_path, "linux")).facts
    assert isinstance(facts, Proxy)
    assert not facts.HasField("configured")
    schema.unlink()
    assert PROBE.observe(Host(tmp_path, "linux")).facts == Proxy(configured=False)


@pytest.mark.parametrize("text", ["", "No such key\n"])
def test_silence_is_not_the_absence_of_a_proxy(text: str) -> None:
    with pytest.raises(ParseError):
        parse_scutil(text)


@given(st.binary(max_size=20))
def test_any_bytes_are_flags_or_a_parse_error(content: bytes) -> None:
    try:
        assert parse_flags(content) == content[8]
    except ParseError:
        assert len(content) < 9
