import json
import subprocess
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerequis.v1.facts_pb2 import Machine
from prerequis_agent.errors import ParseError
from prerequis_agent.host import Host
from prerequis_agent.probe import Probe
from prerequis_agent.probes.machine import PROBE, parse_cpuinfo, parse_meminfo, parse_secure_boot


def _output(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, check=True, text=True).stdout


@pytest.fixture(scope="module")
def this_machine() -> Machine:
    facts = PROBE.observe(Host()).facts
    assert isinstance(facts, Machine)
    return facts


def test_each_machine_shows_its_hardware(check: Callable[[Probe], None]) -> None:
    check(PROBE)


def test_the_threads_and_cores_are_those_of_lscpu(this_machine: Machine) -> None:
    pairs = [line for line in _output("lscpu", "-p=core,socket").splitlines() if not line.startswith("#")]
    assert (this_machine.threads, this_machine.cores) == (len(pairs), len(set(pairs)))


def test_the_memory_is_that_of_free(this_machine: Machine) -> None:
    assert this_machine.memory_bytes == int(_output("free", "-b").splitlines()[1].split()[1])


def test_the_disks_are_those_of_lsblk(this_machine: Machine) -> None:
    devices = json.loads(_output("lsblk", "--json", "--bytes", "--nodeps", "--output", "NAME,TYPE,RM,HOTPLUG,SIZE"))
    disks = [
        device["size"]
        for device in devices["blockdevices"]
        if device["type"] == "disk" and not device["rm"] and not device["hotplug"] and "zram" not in device["name"]
    ]
    assert [disk.size_bytes for disk in this_machine.disks.disks] == disks


def test_the_system_volume_is_that_of_df(this_machine: Machine) -> None:
    size, available = _output("df", "--block-size=1", "--output=size,avail", "/").splitlines()[1].split()
    assert this_machine.system_volume_bytes == int(size)
    assert this_machine.system_volume_free_bytes == pytest.approx(int(available), abs=500_000_000)


@given(st.text() | st.text("0123456789: \t\nprocessorMemTotalkBflags"))
def test_any_text_is_a_processor_and_a_memory_or_a_parse_error(text: str) -> None:
    for parse in (parse_cpuinfo, parse_meminfo):
        try:
            assert parse(text)
        except ParseError as problem:
            assert str(problem).endswith(".")


@given(st.binary(max_size=8))
def test_any_bytes_are_a_secure_boot_variable_or_a_parse_error(content: bytes) -> None:
    try:
        assert parse_secure_boot(content) == (content[4] == 1)
    except ParseError:
        assert len(content) != 5 or content[4] > 1
