"""The tones as styles of the theme, for texts outside lists."""

from textual.content import Content

from prerequis.v1 import judgement_pb2
from prerequis_tui import score_bar, wording
from prerequis_tui.wording import Tone, Word

STYLES = {
    Tone.GOOD: "$text-success",
    Tone.BAD: "bold $text-error",
    Tone.WARNING: "$text-warning",
    Tone.UNKNOWN: "bold $text-accent",
    Tone.MUTED: "$text-muted",
    Tone.PLAIN: "",
    Tone.STRONG: "bold",
}


def toned(text: str, tone: Tone) -> Content:
    """Return the text in the colour of its tone."""
    return Content.styled(text, STYLES[tone])


def worded(word: Word) -> Content:
    """Return the symbol and the word, coloured."""
    return toned(f"{word.symbol} {word.text}", word.tone)


def scored(score: judgement_pb2.Score, width: int) -> Content:
    """Return the score as a bar and in words."""
    bar = Content("").join([toned(text, tone) for text, tone in score_bar.parts(score, width)])
    return Content.assemble(bar, "  ", toned(wording.score(score), Tone.STRONG))
