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
    asked, allowed = path.split("/"), declared.split("/")
    return len(asked) <= len(allowed) and all(map(fnmatchcase, asked, allowed))


@pytest.mark.parametrize("probe", PROBES, ids=[probe.name for probe in PROBES])
def test_a_probe_reads_and_runs_only_what_it_declares(probe: Probe, fixture_host: FixtureHost) -> None:
    fixture_host.observe(probe)
    undeclared = {
        path for path in fixture_host.asked if not any(_is_on_the_way_to(path, declared) for declared in probe.reads)
    }
    assert undeclared == set()
    assert fixture_host.programs <= set(probe.commands)


@pytest.mark.parametrize("probe", PROBES, ids=[probe.name for probe in PROBES])
def test_a_probe_declares_only_programs_that_the_host_allows(probe: Probe) -> None:
    assert set(probe.commands) <= PROGRAMS
