"""The list of sites, from summaries that are judged again only when what they rest on has changed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time

from prerequis.v1.judgement_pb2 import Readiness
from prerequis.v1.review_pb2 import ListSitesResponse, SiteSummary
from prerequis_collector.services.judge import JudgedSite
from prerequis_collector.services.scorecard import score_message
from prerequis_collector.store.database import Transaction
from prerequis_collector.store.site_needs import SiteNeedRow, SiteNeeds
from prerequis_collector.store.site_summaries import SiteSummaries, SiteSummaryRow
from prerequis_collector.store.sites import Sites
from prerequis_rules.model import Score
from prerequis_rules.pack import Pack

FRAMEWORK = "dui"


def stale_sites(transaction: Transaction, pack: Pack, now: datetime) -> list[str]:
    """Return the FINESS of the sites to judge again."""
    return list(SiteSummaries(transaction).stale(pack.digest, now.date()))


@dataclass(frozen=True, slots=True)
class Summary:
    """What lists show of a judged site."""

    site: SiteSummaryRow
    needs: Sequence[SiteNeedRow]


def summary_of(pack: Pack, judged: JudgedSite) -> Summary:
    """Return what lists show of a judged site."""
    row = judged.site.row
    result = next(each for each in judged.frameworks if each.framework == FRAMEWORK)
    line = SiteSummaryRow(
        finess=row.finess,
        readiness=result.readiness,
        low=result.score.low if result.score else None,
        high=result.score.high if result.score else None,
        coverage=result.score.coverage if result.score else None,
        blocking=result.blocking,
        workstations=len(judged.site.machines),
        last_seen=judged.site.last_seen,
        revision=row.revision,
        pack_digest=pack.digest,
        judged_on=judged.judged_at.date(),
    )
    return Summary(line, list(_needs(judged)))


def _needs(judged: JudgedSite) -> Iterator[SiteNeedRow]:
    """Give the needs of a judged site; of a site that nobody has seen none is certain."""
    seen = bool(judged.site.machines)
    for need in judged.needs:
        certain, possible = need.quantity.certain, need.quantity.possible
        if certain or possible is None or possible > 0:
            yield SiteNeedRow(
                finess=judged.site.row.finess,
                item=need.item,
                certain=certain if seen else 0,
                possible=possible,
                reasons=list(need.reasons),
            )


def keep_summary(transaction: Transaction, summary: Summary) -> None:
    """Keep it in the place of the one before."""
    SiteSummaries(transaction).save(summary.site)
    SiteNeeds(transaction).replace(summary.site.finess, summary.needs)


def list_sites(transaction: Transaction, pack: Pack, now: datetime, organisation: str = "") -> ListSitesResponse:
    """Return one line per site, of one organisation or of all, in FINESS order, as last judged.

    One never judged has no readiness.
    """
    kept = SiteSummaries(transaction).all()
    lines = [
        _line(site.name, kept[site.finess]) if site.finess in kept else SiteSummary(finess=site.finess, name=site.name)
        for site in Sites(transaction).all(organisation)
    ]
    shown = {line.finess for line in lines}
    return ListSitesResponse(sites=lines, being_judged=len(shown.intersection(stale_sites(transaction, pack, now))))


def count_being_judged(transaction: Transaction, pack: Pack, now: datetime, organisation: str = "") -> int:
    """Return how many sites, of one organisation or of all, are to be judged again."""
    stale = stale_sites(transaction, pack, now)
    if not organisation:
        return len(stale)
    return len({site.finess for site in Sites(transaction).all(organisation)}.intersection(stale))


def _line(name: str, row: SiteSummaryRow) -> SiteSummary:
    decided = row.low is not None and row.high is not None and row.coverage is not None
    score = Score(row.low or 0.0, row.high or 0.0, row.coverage or 0.0) if decided else None
    line = SiteSummary(
        finess=row.finess,
        name=name,
        readiness=Readiness.Value(row.readiness),
        score=score_message(score),
        workstations=row.workstations,
        blocking=row.blocking,
    )
    line.judged_on.FromDatetime(datetime.combine(row.judged_on, time(), UTC))
    if row.last_seen is not None:
        line.last_seen.FromDatetime(row.last_seen)
    return line
