"""A report in a few French lines, for the technician in front of the machine."""

from prerequis.v1.facts_pb2 import Facts
from prerequis.v1.report_pb2 import ProbeRun, Report
from prerequis_agent.progress import OUTCOMES, seconds
from prerequis_agent.sentences import phrase_of

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
    """Return the phrase of a probe's facts; empty without facts, or for a probe of which there is none yet."""
    say = phrase_of(run.name)
    if say is None or not facts.HasField(run.name):  # type: ignore[arg-type]  # the stub wants a literal
        return ""
    return say(getattr(facts, run.name))
