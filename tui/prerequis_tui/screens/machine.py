"""Shows one machine: what fails on it, what is not known of it, and how its probes ended."""

from collections.abc import Iterable, Iterator

from prerequis.v1 import judgement_pb2, report_pb2, review_pb2
from prerequis_tui import scorecard, wording
from prerequis_tui.credential import Credential
from prerequis_tui.screens.sheet import SheetScreen
from prerequis_tui.widgets.machine_list import name, verdicts
from prerequis_tui.widgets.sheet import Part
from prerequis_tui.widgets.tones import toned
from prerequis_tui.wording import Tone

_OUTCOMES = {
    report_pb2.ProbeRun.FOUND: ("✔", "vu", Tone.GOOD),
    report_pb2.ProbeRun.NOTHING: ("✔", "rien à voir", Tone.GOOD),
    report_pb2.ProbeRun.NOT_PERMITTED: ("?", "non permis à ce compte", Tone.UNKNOWN),
    report_pb2.ProbeRun.UNSUPPORTED: ("–", "sans objet sur ce poste", Tone.MUTED),
    report_pb2.ProbeRun.TIMED_OUT: ("?", "trop long, interrompu", Tone.UNKNOWN),
    report_pb2.ProbeRun.OVER_BUDGET: ("?", "trop coûteux, interrompu", Tone.UNKNOWN),
    report_pb2.ProbeRun.FAILED: ("✘", "en panne", Tone.BAD),
    report_pb2.ProbeRun.OUTCOME_UNSPECIFIED: ("?", "non dit", Tone.UNKNOWN),
}


class MachineScreen(SheetScreen):
    """One machine of a site."""

    HELP = "Ce qui est à faire sur ce poste, et ce que l'agent a pu ou n'a pas pu y voir."

    def __init__(
        self,
        credential: Credential,
        site: str,
        machine: review_pb2.WorkstationSummary,
        frameworks: Iterable[judgement_pb2.FrameworkResult],
    ) -> None:
        super().__init__(credential, site, name(machine), parts(machine, frameworks))


def parts(
    machine: review_pb2.WorkstationSummary, frameworks: Iterable[judgement_pb2.FrameworkResult]
) -> Iterator[Part]:
    """Return the labelled parts of a machine."""
    for number, warning in enumerate(machine.warnings):
        yield Part("Identité" if number == 0 else "", toned(warning, Tone.BAD if machine.quarantined else Tone.WARNING))
    yield Part("Rôle", wording.ROLE[machine.workstation.role])
    yield Part("Relevé", wording.clock(machine.collected_at))
    yield Part("Reçu", wording.clock(machine.received_at))
    judged = verdicts(machine, frameworks)
    for value, label in ((judgement_pb2.Judgement.FAIL, "Échecs"), (judgement_pb2.Judgement.UNKNOWN, "Inconnus")):
        for number, finding in enumerate(scorecard.findings(one for one in judged if one.verdict == value)):
            word, first = finding.word, finding.first
            text = toned(f"{word.symbol} ", word.tone) + (first.title or first.rule)
            yield Part(label if number == 0 else "", text + toned(f"  {finding.level}", Tone.MUTED))
            if first.remedy and value == judgement_pb2.Judgement.FAIL:
                yield Part("", toned(f"→ {first.remedy}", Tone.MUTED))
    for number, run in enumerate(machine.probes):
        symbol, said, tone = _OUTCOMES[run.outcome]
        text = toned(f"{symbol} {run.name:<12}", tone) + toned(f"{run.detail or said}", Tone.PLAIN)
        yield Part("Sondes" if number == 0 else "", text)
