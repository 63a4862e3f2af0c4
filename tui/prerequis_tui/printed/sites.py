"""The list of sites, as printed."""

from collections import Counter
from collections.abc import Sequence
from typing import TextIO

from rich.text import Text

from prerequis.v1 import review_pb2
from prerequis_tui import printed, wording
from prerequis_tui.printed.table import Column, Table


def print_sites(sites: Sequence[review_pb2.SiteSummary], still_judged: str, out: TextIO) -> None:
    """Write one line for each site, how many there are of each readiness, and that some are still being judged."""
    with printed.page(out) as console:
        if not sites:
            console.print(
                "Aucun site. L'administrateur en ajoute avec : prerequis-collector site add FINESS --name NOM"
            )
            return
        table = Table(_COLUMNS, sites, console)
        console.print(Text("\n").join([table.heading(), *map(table.line, sites)]), soft_wrap=True)
        counts = Counter(site.readiness for site in sites)
        present = [(word, counts[value]) for value, word in wording.READINESS.items() if counts[value]]
        summary = [printed.worded(word) + f" : {wording.number(many)}" for word, many in present]
        console.print()
        console.print(Text("   ").join([Text(wording.count(len(sites), "site")), *summary]), soft_wrap=True)
        if still_judged:
            console.print(printed.styled(f"? {still_judged} : relancer dans un instant.", wording.Tone.UNKNOWN))


def _state(site: review_pb2.SiteSummary) -> str:
    word = wording.readiness(site)
    return f"{word.symbol} {word.text}"


def _score(site: review_pb2.SiteSummary) -> str:
    return wording.score_range(site.score) if site.score.HasField("coverage") else "–"


def _coverage(site: review_pb2.SiteSummary) -> str:
    return f"{wording.percent(site.score.coverage)} %" if site.score.HasField("coverage") else "–"


_COLUMNS: Sequence[Column[review_pb2.SiteSummary]] = (
    Column("FINESS", lambda site: site.finess, 9),
    Column("SITE", lambda site: site.name, least=12),
    Column("ÉTAT", _state, 22, tone=lambda site: wording.READINESS[site.readiness].tone, least=14),
    Column("SCORE", _score, 12, right=True, from_width=56),
    Column("VÉRIFIÉ", _coverage, right=True, from_width=100),
    Column("POSTES", lambda site: str(site.workstations), right=True, from_width=90),
    Column("VU LE", lambda site: wording.date(site.last_seen) or "jamais", from_width=70),
)
