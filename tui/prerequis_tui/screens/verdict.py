"""Shows one finding whole: what was seen, what was expected, who asks for it, what to do, and when."""

from collections.abc import Iterator

from prerequis_tui import wording
from prerequis_tui.credential import Credential
from prerequis_tui.scorecard import Finding
from prerequis_tui.screens.sheet import SheetScreen
from prerequis_tui.widgets.sheet import Part
from prerequis_tui.widgets.tones import toned, worded
from prerequis_tui.wording import Tone


class VerdictScreen(SheetScreen):
    """One finding, with its source."""

    HELP = "Ce qui a été constaté, ce qui était attendu, le texte qui le demande et ce qu'il faut faire."

    def __init__(self, credential: Credential, site: str, finding: Finding) -> None:
        super().__init__(credential, site, finding.first.title or finding.first.rule, parts(finding))


def parts(finding: Finding) -> Iterator[Part]:
    """Return the labelled parts of a finding."""
    first = finding.first
    yield Part("Verdict", worded(finding.word) + toned(f"   {finding.level}", Tone.MUTED))
    if first.waived:
        yield Part("", "L'écart demeure ; il est accepté jusqu'à la fin de la dérogation.")
    if finding.subjects:
        yield Part("Postes", ", ".join(finding.subjects))
    yield Part("Constaté", first.observed or toned(wording.NOT_KNOWN, Tone.UNKNOWN))
    if first.expected:
        yield Part("Attendu", first.expected)
    label, text = finding.remedy
    if text:
        yield Part(label.capitalize(), text)
    if first.source_quote:
        yield Part("Source", f"« {first.source_quote} »")
    if first.source_document:
        yield Part("" if first.source_quote else "Source", toned(first.source_document, Tone.MUTED))
    yield Part("Règle", toned(first.rule, Tone.MUTED))
    latest = max(finding.judgements, key=lambda one: one.collected_at.seconds)
    for label, at in (("Relevé", latest.collected_at), ("Reçu", latest.received_at), ("Jugé", latest.judged_at)):
        if at.seconds:
            yield Part(label, toned(wording.clock(at), Tone.MUTED))
