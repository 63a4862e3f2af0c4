"""No probe lets out a serial number, a hardware address or a name that the machine holds."""

import json
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest
from tests.agent.probes.conftest import FixtureHost
from tests.agent.probes.stories import told

from prerequis_agent import probes
from prerequis_agent.errors import ProbeError
from prerequis_agent.host import Host
from prerequis_agent.probe import Probe

PROBES: list[Probe] = [
    import_module(f"{probes.__name__}.{module.name}").PROBE for module in iter_modules(probes.__path__)
]


def test_no_probe_lets_out_what_is_secret(fixture_host: FixtureHost) -> None:
    told = json.dumps([fixture_host.observe(probe) for probe in PROBES]).lower()
    for secret in fixture_host.secrets:
        assert secret.lower() not in told
        assert secret.replace(":", "").lower() not in told


def test_each_secret_is_there_to_be_found(fixture_host: FixtureHost) -> None:
    tables = [content for content in told(fixture_host.name).values() if isinstance(content, dict)]
    machine = json.dumps(tables, ensure_ascii=False, default=str).replace("\\\\", "\\")
    assert [secret for secret in fixture_host.secrets if secret not in machine] == []


@pytest.mark.skipif(not Path("/sys/class/net").exists(), reason="only Linux lists its interfaces in /sys")
def test_this_machine_lets_out_none_of_its_hardware_addresses() -> None:
    told = ""
    for probe in PROBES:
        try:
            told += str(probe.observe(Host()).facts)
        except ProbeError as problem:
            told += str(problem)
    addresses = {path.read_text().strip() for path in Path("/sys/class/net").glob("*/address")} - {"00:00:00:00:00:00"}
    assert [address for address in addresses if address and address in told] == []
