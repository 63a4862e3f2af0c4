"""The machines of a site, and how each fares."""

from collections.abc import Iterable, Sequence

from prerequis.v1 import judgement_pb2, review_pb2
from prerequis_tui import wording
from prerequis_tui.widgets.line_list import Column, LineList, Spans
from prerequis_tui.wording import Tone, Word

Machine = review_pb2.WorkstationSummary
Verdict = judgement_pb2.Judgement.Verdict


CLONE, ODD = Word("✘", "clone", Tone.BAD), Word("!", "à vérifier", Tone.WARNING)
"""What is odd about the identity of a machine, in a word."""


class MachineList(LineList[Machine]):
    """One line for each machine, by name."""

    def __init__(self, *, id: str) -> None:
        columns: Sequence[Column[Machine]] = (
            Column("Poste", _name),
            Column("Rôle", lambda one: [(wording.ROLE[one.workstation.role], Tone.PLAIN)], 12),
            Column("Échecs", lambda one: self._many(one, Verdict.FAIL), 8, right=True),
            Column("Inconnus", lambda one: self._many(one, Verdict.UNKNOWN), 9, right=True),
            Column("Reçu le", lambda one: [(wording.clock(one.received_at), Tone.MUTED)], 16, from_width=70),
        )
        empty = "Aucun poste n'a encore rendu compte : lancer « prerequis-agent run » sur un poste du site."
        super().__init__(columns, lambda one: one.id, empty, id=id)
        self._frameworks: Sequence[judgement_pb2.FrameworkResult] = ()

    def fill(self, site: review_pb2.GetSiteResponse) -> None:
        """List the machines of the site as they are judged now."""
        self._frameworks = site.frameworks
        machines: list[Machine] = sorted(site.workstations, key=name)
        self.show(machines)

    def _many(self, one: Machine, verdict: judgement_pb2.Judgement.Verdict.ValueType) -> Spans:
        word = wording.VERDICT[verdict]
        many = sum(judged.verdict == verdict for judged in verdicts(one, self._frameworks))
        return [(f"{word.symbol} {many}", word.tone)] if many else [("–", Tone.MUTED)]


def _name(one: Machine) -> Spans:
    flag = [(f" {CLONE.symbol} {CLONE.text}", CLONE.tone)] if one.quarantined else []
    flag = flag or ([(f" {ODD.symbol} {ODD.text}", ODD.tone)] if one.warnings else [])
    return [(name(one), Tone.STRONG), *flag]


def name(machine: Machine) -> str:
    """Return the name that people know the machine by."""
    return machine.workstation.hostname or machine.id


def verdicts(machine: Machine, frameworks: Iterable[judgement_pb2.FrameworkResult]) -> list[judgement_pb2.Judgement]:
    """Return what was judged of the machine; a rule that several frameworks ask for counts once."""
    found = {one.rule: one for framework in frameworks for one in framework.verdicts if one.subject == machine.id}
    return list(found.values())
