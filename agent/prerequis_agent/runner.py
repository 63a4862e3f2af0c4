"""Runs the probes, each with a deadline and a budget of processor time; never raises."""

import importlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from prerequis.v1.facts_pb2 import Facts
from prerequis.v1.report_pb2 import ProbeRun
from prerequis_agent import probes as package
from prerequis_agent import side_by_side
from prerequis_agent.apart import Apart
from prerequis_agent.host import Host
from prerequis_agent.probe import Probe
from prerequis_agent.progress import Progress


@dataclass(frozen=True, slots=True)
class Scan:
    """What the probes brought back, how each of them ended, and the most memory that was seen held, in bytes."""

    facts: Facts
    runs: tuple[ProbeRun, ...]
    memory_bytes: int = 0


def discover() -> tuple[Probe, ...]:
    """Return every probe of the package, in the order of the fields of Facts."""
    order = {field.name: field.number for field in Facts.DESCRIPTOR.fields}
    modules = [importlib.import_module(f"{package.__name__}.{name}") for name in package.probe_names()]
    return tuple(sorted((module.PROBE for module in modules), key=lambda probe: order[probe.name]))


def run(probes: Iterable[Probe], host: Host, progress: Progress) -> Scan:
    """Return what the probes see of the host.

    Those that ask the machine run one by one in a child process, which can be ended whatever they do; those that ask
    the network wait for it side by side in this one, where the collector's answers are at hand.
    """
    probes = tuple(probes)
    facts = Facts()
    runs: dict[str, ProbeRun] = {}
    machine = Apart(host, progress, [probe for probe in probes if not probe.uses_surroundings])
    for found, record in chain(machine.run(), _over_the_network(probes, host, progress)):
        facts.MergeFrom(found)
        runs[record.name] = record
    return Scan(facts, tuple(runs[probe.name] for probe in probes), machine.memory_bytes)


def _over_the_network(probes: tuple[Probe, ...], host: Host, progress: Progress) -> Iterator[tuple[Facts, ProbeRun]]:
    asking = [probe for probe in probes if probe.uses_surroundings]
    yield from side_by_side.run([probe for probe in asking if not probe.alone], host, progress)
    for probe in asking:
        if probe.alone:
            yield from side_by_side.run([probe], host, progress)
