"""What a probe declares is what it does: the sandbox and the documentation rely on it."""

from fnmatch import fnmatchcase
from importlib import import_module
from pkgutil import iter_modules

import pytest
from tests.agent.probes.conftest import FixtureHost

from prerequis_agent import probes
from prerequis_agent.host import PROGRAMS
from prerequis_agent.probe import Probe

PROBES: list[Probe] = [
    import_module(f"{probes.__name__}.{module.name}").PROBE for module in iter_modules(probes.__path__)
]


def _is_on_the_way_to(path: str, declared: str) -> bool:
    if "\\" in declared:
        path, declared = path.replace("\\", "/").lower(), declared.replace("\\", "/").lower()
    asked, allowed = path.split("/"), declared.split("/")
    return len(asked) <= len(allowed) and all(map(fnmatchcase, asked, allowed))


def _undeclared(asked: set[str], declared: tuple[str, ...]) -> set[str]:
    return {path for path in asked if not any(_is_on_the_way_to(path, each) for each in declared)}


def test_a_probe_reads_and_runs_only_what_it_declares(fixture_host: FixtureHost) -> None:
    for probe in PROBES:
        host = fixture_host.anew()
        host.observe(probe)
        assert _undeclared(host.asked, probe.reads) == set(), probe.name
        assert _undeclared(host.windows.asked_keys, probe.registry) == set(), probe.name
        assert host.windows.asked_classes <= set(probe.cim), probe.name
        assert host.windows.asked_calls <= set(probe.win32), probe.name
        assert host.programs <= set(probe.commands), probe.name


@pytest.mark.parametrize("probe", PROBES, ids=[probe.name for probe in PROBES])
def test_a_probe_declares_only_programs_that_the_host_allows(probe: Probe) -> None:
    assert set(probe.commands) <= PROGRAMS
