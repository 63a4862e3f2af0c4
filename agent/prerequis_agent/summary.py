"""A report in a few French lines, for the technician in front of the machine."""

from collections.abc import Callable
from typing import Any

from prerequis.v1.facts_pb2 import Addresses, Facts, Firewall, Line, Machine, Network, Services, Smartcard, System
from prerequis.v1.report_pb2 import ProbeRun, Report
from prerequis_agent.progress import OUTCOMES, seconds

_GIB = 1024**3
_MIB = 1024**2


def text(report: Report) -> str:
    """Return a text with one line for each probe, and below it the sentence that it left."""
    written = [f"Poste {report.workstation.hostname}"]
    for run in report.probes:
        mark, word = OUTCOMES[run.outcome]
        written.append(f"  {mark} {run.name:<16} {_values(report.facts, run) or word}")
        if run.detail:
            written.append(f"    {'':<16} {run.detail}")
    if report.HasField("cost"):
        spent = cost(report.cost.wall_seconds, report.cost.cpu_seconds, report.cost.memory_bytes)
        written.append(f"Coût de l'observation : {spent}.")
    return "\n".join(written) + "\n"


def cost(wall_seconds: float, cpu_seconds: float, memory_bytes: int) -> str:
    """Return in French what a scan cost the machine; no memory where it is not known."""
    memory = f", {round(memory_bytes / _MIB)} Mio de mémoire" if memory_bytes else ""
    return f"{seconds(wall_seconds)}, dont {seconds(cpu_seconds)} de processeur{memory}"


def _values(facts: Facts, run: ProbeRun) -> str:
    if not facts.HasField(run.name):  # type: ignore[arg-type]  # the stub wants a literal
        return ""
    say = _SENTENCES.get(run.name)
    return say(getattr(facts, run.name)) if say else ""


def _machine(machine: Machine) -> str:
    return _joined(
        f"{machine.manufacturer} {machine.model}".strip(),
        f"{machine.cores} cœurs" if machine.cores else "",
        f"{_decimal(machine.memory_bytes / _GIB)} Gio de mémoire" if machine.memory_bytes else "",
        f"{_decimal(machine.system_volume_free_bytes / _GIB)} Gio libres"
        if machine.HasField("system_volume_free_bytes")
        else "",
        "machine virtuelle" if machine.is_virtual else "",
    )


def _system(system: System) -> str:
    return _joined(f"{system.distribution} {system.release} {system.edition}".strip(), system.kernel)


def _network(network: Network) -> str:
    return _joined(
        _count(len(network.interfaces), "interface"),
        _addresses("passerelle", network.gateways) if network.HasField("gateways") else "",
        _addresses("DNS", network.resolvers) if network.HasField("resolvers") else "",
    )


def _addresses(name: str, known: Addresses) -> str:
    return f"{name} {', '.join(known.addresses)}" if known.addresses else f"pas de {name}"


def _smartcard(smartcard: Smartcard) -> str:
    known = all(reader.HasField("card_present") for reader in smartcard.readers)
    cards = sum(reader.card_present for reader in smartcard.readers)
    return _joined(_count(len(smartcard.readers), "lecteur"), _count(cards, "carte") if known else "cartes inconnues")


def _firewall(firewall: Firewall) -> str:
    if not firewall.HasField("active"):
        return "état inconnu"
    return _joined("actif" if firewall.active else "inactif", ", ".join(firewall.engines))


def _services(services: Services) -> str:
    reached = sum(endpoint.reachable for endpoint in services.endpoints)
    return f"{reached} joint{'s' if reached > 1 else ''} sur {len(services.endpoints)}"


def _line(line: Line) -> str:
    at_least = "au moins " if line.censored else ""
    return _joined(
        f"{at_least}{_decimal(line.down_bits_per_second / 1e6)} Mbit/s en réception"
        if line.down_bits_per_second
        else "",
        f"{at_least}{_decimal(line.up_bits_per_second / 1e6)} Mbit/s en émission" if line.up_bits_per_second else "",
        f"délai {_decimal(line.rtt_seconds * 1000)} ms" if line.rtt_seconds else "",
    )


_SENTENCES: dict[str, Callable[[Any], str]] = {
    "machine": _machine,
    "system": _system,
    "network": _network,
    "smartcard": _smartcard,
    "firewall": _firewall,
    "services": _services,
    "line": _line,
}
"""What to say of a probe's facts; one that is not here is named with its outcome only."""


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _count(number: int, noun: str) -> str:
    return (
        f"{number} {noun}{'s' if number > 1 else ''}" if number else f"aucun{'e' if noun in _FEMININE else ''} {noun}"
    )


_FEMININE = frozenset({"interface", "carte"})


def _decimal(value: float) -> str:
    return f"{value:.1f}".replace(".", ",")
