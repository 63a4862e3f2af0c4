"""The tones as styles of the theme, for texts outside lists."""

from collections.abc import Sequence

from textual.content import Content

from prerequis.v1 import judgement_pb2
from prerequis_tui import score_bar, wording
from prerequis_tui.wording import Tone, Word

STYLES = {
    Tone.GOOD: "$text-success",
    Tone.BAD: "bold $text-error",
    Tone.WARNING: "$text-warning",
    Tone.UNKNOWN: "bold $text-accent",
    Tone.MUTED: "$foreground 70%",
    Tone.PLAIN: "",
    Tone.STRONG: "bold",
}


def toned(text: str, tone: Tone) -> Content:
    """Return the text in the colour of its tone."""
    return Content.styled(text, STYLES[tone])


def worded(word: Word) -> Content:
    """Return the symbol and the word, coloured."""
    return toned(f"{word.symbol} {word.text}", word.tone)


def flow(parts: Sequence[Content], width: int) -> Content:
    """Return the parts side by side, on as many lines as keep each part whole."""
    lines = [parts[0]]
    for part in parts[1:]:
        if lines[-1].cell_length + 3 + part.cell_length <= width:
            lines[-1] = Content.assemble(lines[-1], "   ", part)
        else:
            lines.append(part)
    return Content("\n").join(lines)


def scored(score: judgement_pb2.Score, width: int) -> Content:
    """Return the score as a bar and in words."""
    bar = Content("").join([toned(text, tone) for text, tone in score_bar.parts(score, width)])
    return Content.assemble(bar, "  ", toned(wording.score(score), Tone.STRONG))
