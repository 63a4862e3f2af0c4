"""How the judging of sites is shared and kept on every kind of database; a subclass gives the `database` fixture."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

from tests.collector.store.known_sites import NOW, OTHER, SITE, KnownSites

from prerequis_collector.services.judge import known_but_machines, known_site
from prerequis_collector.store.agents import AgentRow, Agents
from prerequis_collector.store.answers import AnswerRow, Answers
from prerequis_collector.store.database import Database
from prerequis_collector.store.judging_jobs import JudgingJobs
from prerequis_collector.store.site_needs import SiteNeedRow, SiteNeeds
from prerequis_collector.store.site_services import KnownServices, SiteServicesRow
from prerequis_collector.store.site_summaries import SiteSummaries, SiteSummaryRow
from prerequis_collector.store.sites import SiteRow, Sites
from prerequis_collector.store.waivers import WaiverRow, Waivers


def _summary(finess: str, revision: int, pack: str = "p", judged_on: date = date(2026, 11, 22)) -> SiteSummaryRow:
    return SiteSummaryRow(
        finess=finess, readiness="READY", low=1, high=2, coverage=3, blocking=0, workstations=1, last_seen=NOW,
        revision=revision, pack_digest=pack, judged_on=judged_on,
    )  # fmt: skip


def _waiver(finess: str, identifier: str) -> WaiverRow:
    return WaiverRow(
        id=identifier, finess=finess, rule="r", reason="r", author="dsi", proposed_at=NOW,
        expires_at=NOW + timedelta(days=9), approver="direction", approved_at=NOW,
    )  # fmt: skip


class JudgingContract(KnownSites):
    def test_a_summary_is_stale_when_anything_it_rests_on_changed(self, database: Database, sites: None) -> None:
        today = NOW.date()
        with database.write() as transaction:
            sites_, summaries = Sites(transaction), SiteSummaries(transaction)
            assert summaries.stale("p", today) == [SITE, OTHER]
            summaries.save(_summary(SITE, revision=1))
            summaries.save(_summary(OTHER, revision=1))
            assert summaries.stale("p", today) == []
            assert summaries.stale("newer pack", today) == [SITE, OTHER]
            assert summaries.stale("p", today + timedelta(days=1)) == [SITE, OTHER]
            sites_.touch(OTHER)
        with database.write() as transaction:
            assert SiteSummaries(transaction).stale("p", today) == [OTHER]
            SiteSummaries(transaction).save(_summary(OTHER, revision=2))
            assert SiteSummaries(transaction).stale("p", today) == []

    def test_a_site_is_judged_by_one_collector_and_taken_over_when_its_claim_ends(
        self, database: Database, sites: None
    ) -> None:
        later = NOW + timedelta(seconds=30)
        with database.write() as transaction:
            jobs = JudgingJobs(transaction)
            jobs.lay([])
            jobs.lay([SITE, OTHER])
            jobs.lay([OTHER])
            assert jobs.claim("one", 1, NOW, later) == [SITE]
            assert jobs.claim("two", 5, NOW, later) == [OTHER]
            assert jobs.claim("three", 5, NOW, later) == []
            assert jobs.claim("three", 1, later, later + timedelta(seconds=30)) == [SITE]
            jobs.finish("one", [SITE])
            jobs.finish("two", [OTHER])
            assert jobs.waiting() == [SITE]
            jobs.finish("three", [SITE])
            assert jobs.waiting() == []

    def test_those_who_claim_at_once_share_the_sites_without_overlap(self, database: Database) -> None:
        names = [f"3300{number:05}" for number in range(60)]
        with database.write() as transaction:
            for name in names:
                Sites(transaction).save(SiteRow(finess=name, name="Site"))
            JudgingJobs(transaction).lay(names)

        def take(turn: int) -> list[str]:
            taken: list[str] = []
            while len(taken) < 60:
                with database.write() as transaction:
                    mine = JudgingJobs(transaction).claim(f"c{turn}", 3, NOW, NOW + timedelta(seconds=30))
                with database.write() as transaction:
                    JudgingJobs(transaction).finish(f"c{turn}", mine)
                if not mine:
                    break
                taken += mine
            return taken

        with ThreadPoolExecutor(4) as pool:
            claimed = [finess for taken in pool.map(take, range(4)) for finess in taken]
        assert sorted(claimed) == names

    def test_what_is_known_of_many_sites_at_once_is_what_is_known_of_each(
        self, database: Database, sites: None
    ) -> None:
        with database.write() as transaction:
            for finess, choice in ((SITE, "oui"), (OTHER, "non"), (SITE, "non")):
                Answers(transaction).add(
                    AnswerRow(finess=finess, question="q", choice=choice, author="dsi", answered_at=NOW)
                )
                Waivers(transaction).add(_waiver(finess, f"{finess} {choice}"))
            Agents(transaction).add(
                AgentRow(id="copied", finess=OTHER, fingerprint=b"f", enrolled_at=NOW, quarantined=True)
            )
            KnownServices(transaction).save(SiteServicesRow.of(SITE, NOW, b""))
        with database.read() as transaction:
            both = known_but_machines(transaction, [OTHER, SITE])
            assert both == [known_site(transaction, OTHER), known_site(transaction, SITE)]
        assert [{answer.choice for answer in site.answers.values()} for site in both] == [{"non"}, {"non"}]
        assert [len(site.waivers) for site in both] == [1, 2]
        assert [[agent.id for agent in site.odd] for site in both] == [["copied"], []]
        assert [site.services is None for site in both] == [True, False]

    def test_needs_are_replaced_as_a_whole(self, database: Database, sites: None) -> None:
        with database.write() as transaction:
            needs = SiteNeeds(transaction)
            needs.replace(SITE, [SiteNeedRow(finess=SITE, item="a", certain=1, possible=None, reasons=["r"])])
            needs.replace(OTHER, [SiteNeedRow(finess=OTHER, item="a", certain=1, possible=2, reasons=[])])
            needs.replace(SITE, [SiteNeedRow(finess=SITE, item="b", certain=0, possible=4, reasons=["x", "y"])])
        with database.read() as transaction:
            assert [(n.finess, n.item) for n in SiteNeeds(transaction).all()] == [(SITE, "b"), (OTHER, "a")]
            assert [(n.possible, n.reasons) for n in SiteNeeds(transaction).of_site(SITE)] == [(4, ["x", "y"])]
