"""One finding as the labelled parts of a page."""

from collections.abc import Iterator

from prerequis_tui import wording
from prerequis_tui.scorecard import Finding
from prerequis_tui.widgets.sheet import Part
from prerequis_tui.widgets.tones import toned, worded
from prerequis_tui.wording import Tone


def parts(finding: Finding) -> Iterator[Part]:
    """Return the labelled parts of a finding."""
    first = finding.first
    yield Part("Verdict", worded(finding.word) + toned(f"   {finding.level}", Tone.MUTED))
    if first.waived:
        yield Part("", "L'écart demeure ; il est accepté jusqu'à la fin de la dérogation.")
    if finding.subjects:
        yield Part("Postes", ", ".join(finding.subjects))
    yield Part("Constaté", first.observed or toned(wording.NOT_KNOWN, Tone.UNKNOWN))
    for number, reason in enumerate(finding.reasons):
        yield Part("" if number else "Pourquoi", reason)
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
