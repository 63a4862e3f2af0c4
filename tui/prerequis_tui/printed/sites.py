"""The list of sites, as printed."""

from collections import Counter
from collections.abc import Sequence
from typing import TextIO

from rich.text import Text

from prerequis.v1 import review_pb2
from prerequis_tui import printed, wording

_NAME_COLUMNS = 34


def print_sites(sites: Sequence[review_pb2.SiteSummary], still_judged: str, out: TextIO) -> None:
    """Write one line for each site, how many there are of each readiness, and that some are still being judged."""
    with printed.page(out) as console:
        if not sites:
            console.print(
                "Aucun site. L'administrateur en ajoute avec : prerequis-collector site add FINESS --name NOM"
            )
            return
        longest = max(len(site.name) for site in sites)
        # A name is cut only where a person sees the cut; a program that reads the lines gets it whole.
        name = max(min(longest, _NAME_COLUMNS) if console.is_terminal else longest, 4)
        heading = f"{'FINESS':<9}  {'SITE':<{name}}  {'ÉTAT':<22}  {'SCORE':>12}  {'VÉRIFIÉ':>7}  {'POSTES':>6}  VU LE"
        lines = [printed.styled(heading, wording.Tone.MUTED), *(_line(site, name) for site in sites)]
        console.print(Text("\n").join(lines), soft_wrap=True)
        counts = Counter(site.readiness for site in sites)
        present = [(word, counts[value]) for value, word in wording.READINESS.items() if counts[value]]
        summary = [printed.worded(word) + f" : {wording.number(many)}" for word, many in present]
        console.print()
        console.print(Text("   ").join([Text(wording.count(len(sites), "site")), *summary]), soft_wrap=True)
        if still_judged:
            console.print(printed.styled(f"{still_judged} Relancer dans un moment.", wording.Tone.UNKNOWN))


def _line(site: review_pb2.SiteSummary, name: int) -> Text:
    word = wording.READINESS[site.readiness]
    shown = site.name if len(site.name) <= name else site.name[: name - 1] + "…"
    known = site.score.HasField("coverage")
    score = wording.score_range(site.score) if known else "–"
    coverage = f"{wording.percent(site.score.coverage)} %" if known else "–"
    seen = wording.date(site.last_seen) or "jamais"
    return Text.assemble(
        f"{site.finess:<9}  {shown:<{name}}  ",
        (f"{word.symbol} {word.text:<20}", printed.STYLES[word.tone]),
        f"  {score:>12}  {coverage:>7}  {site.workstations:>6}  {seen}",
    )
