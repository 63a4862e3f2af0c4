from collections.abc import Callable
from pathlib import Path

import pytest
from tests.agent.probes.conftest import fixture_machine

from prerequis_agent.errors import ParseError, Unsupported
from prerequis_agent.host import Host
from prerequis_agent.probe import Probe
from prerequis_agent.probes.elevation import PROBE


def test_each_machine_shows_its_elevation(check: Callable[[Probe], None]) -> None:
    check(PROBE)


def test_an_empty_registry_is_not_a_registry_of_defaults(tmp_path: Path) -> None:
    with pytest.raises(ParseError, match="rien n'est vérifiable"):
        PROBE.observe(fixture_machine("access/windows-silent", tmp_path))


def test_elevation_is_of_windows_alone() -> None:
    with pytest.raises(Unsupported, match="Windows"):
        PROBE.observe(Host(platform="linux"))
