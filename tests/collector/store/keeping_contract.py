"""What is counted, kept and purged on every kind of database; a subclass gives the `database` fixture."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import text
from tests.collector.store.known_sites import NOW, OTHER, SITE, KnownSites

from prerequis_collector.services.audit import note, verify
from prerequis_collector.services.import_sites import keep_import, plan_import
from prerequis_collector.services.register_file import read_register
from prerequis_collector.services.retain import expired, purge
from prerequis_collector.store.agents import AgentRow, Agents
from prerequis_collector.store.database import Database, Transaction
from prerequis_collector.store.holdings import holdings
from prerequis_collector.store.line_measurements import LineMeasurementRow, LineMeasurements
from prerequis_collector.store.offline_enrolments import OfflineEnrolmentRow, OfflineEnrolments
from prerequis_collector.store.reports import NewReport, Reports
from prerequis_collector.store.sites import Sites
from prerequis_collector.store.tickets import TicketRow, Tickets
from prerequis_collector.store.waivers import WaiverRow, Waivers
from prerequis_rules.pack import Pack

OLD = NOW - timedelta(days=800)
_EXPIRED = {"reports": 2, "line_measurements": 1, "site_services": 0, "revoked_agents": 1, "tickets": 1}


def _fill(database: Database) -> None:
    """Keep a machine that reports, one that left long ago, and what each of them brought."""
    with database.write() as transaction:
        for name, revoked in (("here", False), ("gone", True)):
            row = AgentRow(id=name, finess=SITE, fingerprint=b"f", enrolled_at=OLD, last_seen=OLD, revoked=revoked)
            Agents(transaction).add(row)
        reports = [
            NewReport(digest, name, SITE, at, at, b"", b"")
            for digest, name, at in ((b"1", "here", OLD), (b"2", "here", NOW), (b"3", "gone", OLD))
        ]
        Reports(transaction).keep_all(reports)
        LineMeasurements(transaction).begin(
            LineMeasurementRow(
                id="m", finess=SITE, agent_id="gone", egress=b"", method=1, attended=False, wireless=False, began_at=OLD
            )
        )
        OfflineEnrolments(transaction).add(
            OfflineEnrolmentRow(request=b"r", agent_id="gone", answer=b"", answered_at=OLD)
        )
        Waivers(transaction).add(
            WaiverRow(finess=SITE, rule="r", agent_id="gone", reason="r", author="dsi", proposed_at=OLD, expires_at=OLD)
        )
        ticket = TicketRow(secret_digest=b"s", finess=SITE, created_at=OLD, expires_at=OLD, uses_left=1)
        Tickets(transaction).add(ticket)


class KeepingContract(KnownSites):
    def test_what_is_held_is_counted(self, database: Database, sites: None) -> None:
        _fill(database)
        with database.read() as transaction:
            held = holdings(transaction)
        assert (held.sites, held.machines, held.revoked, held.reports) == (2, 1, 1, 3)
        assert (held.oldest, held.newest) == (OLD, NOW)
        assert held.size > 4096

    def test_a_purge_deletes_what_it_counted_and_all_that_refers_to_it(self, database: Database, sites: None) -> None:
        _fill(database)
        with database.read() as transaction:
            found = expired(transaction, NOW - timedelta(days=731))
        assert found.rows == _EXPIRED

        def write(work: Callable[[Transaction], int]) -> int:
            with database.write() as transaction:
                return work(transaction)

        assert purge(write, found).rows == _EXPIRED
        with database.read() as transaction:
            held = holdings(transaction)
            assert OfflineEnrolments(transaction).find(b"r") is None
            assert expired(transaction, found.before).rows == dict.fromkeys(_EXPIRED, 0)
        assert (held.machines, held.revoked, held.reports, held.oldest) == (1, 0, 1, NOW)

    def test_a_file_of_the_register_is_kept_and_then_says_nothing_new(
        self, database: Database, sites: None, pack: Pack
    ) -> None:
        lines = read_register(f"finess;nom;postes\n{OTHER};Le Verger;4\n{SITE};Les Ormes;\n330000035;Été;1\n".encode())
        with database.write() as transaction:
            plan = plan_import(transaction, lines.lines, pack)
            keep_import(transaction, plan, author="console", now=NOW)
        assert (len(plan.new), len(plan.changed), plan.unchanged) == (1, 1, 1)
        with database.read() as transaction:
            assert plan_import(transaction, lines.lines, pack).unchanged == 3
            assert [site.name for site in Sites(transaction).all()] == ["Les Ormes", "Le Verger", "Été"]
            assert (verify(transaction).head.number, verify(transaction).faults) == (2, ())

    def test_an_entry_that_somebody_changed_is_found(self, database: Database, sites: None) -> None:
        for number in range(3):
            with database.write() as transaction:
                note(transaction, "console", "site.save", str(number), NOW)
        with database.write() as transaction:
            transaction.connection().execute(text("UPDATE audit SET author = 'operator:other' WHERE number = 2"))
            transaction.connection().execute(text("DELETE FROM audit_head"))
        with database.read() as transaction:
            assert verify(transaction).faults == (
                "L'entrée 2 n'est plus celle qui a été écrite.",
                "La fin de la chaîne n'est plus notée dans la base, ou ne se lit plus.",
            )
