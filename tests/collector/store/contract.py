"""What every kind of database must do; a subclass gives the `database` fixture."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from tests.collector.store.known_sites import NOW, OTHER, SITE, KnownSites

from prerequis_collector.services.register import save_site
from prerequis_collector.store import schema
from prerequis_collector.store.agents import AgentRow, Agents
from prerequis_collector.store.answers import AnswerRow, Answers
from prerequis_collector.store.audit import GENESIS, Audit, AuditRow, sealed
from prerequis_collector.store.batches import Standing
from prerequis_collector.store.coming_authorities import ComingAuthorities, ComingAuthorityRow
from prerequis_collector.store.database import Database
from prerequis_collector.store.newest_reports import newest_bodies
from prerequis_collector.store.operators import OperatorRow, Operators
from prerequis_collector.store.orders import OrderRow, Orders
from prerequis_collector.store.packing import packed
from prerequis_collector.store.reports import NewReport, Reports
from prerequis_collector.store.sites import SiteRow, Sites
from prerequis_collector.store.tickets import TicketRow, Tickets


def _agent(agent_id: str, finess: str = SITE) -> AgentRow:
    return AgentRow(id=agent_id, finess=finess, fingerprint=b"f", enrolled_at=NOW)


def _report(digest: bytes, agent_id: str, minutes: int = 0) -> NewReport:
    return NewReport(
        digest=digest,
        agent_id=agent_id,
        finess=SITE,
        collected_at=NOW + timedelta(minutes=minutes),
        received_at=NOW,
        compressed=b"",
        signature=b"",
    )


class StoreContract(KnownSites):
    def test_migrations_lead_to_the_tables_of_the_code(self, database: Database) -> None:
        with database.read() as transaction:
            context = MigrationContext.configure(transaction.connection())
            assert compare_metadata(context, schema.metadata()) == []

    def test_a_block_that_raises_leaves_nothing(self, database: Database) -> None:
        with pytest.raises(RuntimeError), database.write() as transaction:
            Sites(transaction).save(SiteRow(finess=SITE, name="Les Tilleuls"))
            raise RuntimeError
        with database.read() as transaction:
            assert Sites(transaction).find(SITE) is None

    def test_moments_come_back_in_utc(self, database: Database, sites: None) -> None:
        paris = timezone(timedelta(hours=1))
        with database.write() as transaction:
            agent = _agent("a")
            agent.enrolled_at = NOW.astimezone(paris)
            Agents(transaction).add(agent)
        with database.read() as transaction:
            kept = Agents(transaction).find("a")
        assert kept is not None
        assert kept.enrolled_at == NOW
        assert kept.enrolled_at.tzinfo is UTC

    def test_a_ticket_counts_down_to_refusal(self, database: Database, sites: None) -> None:
        ticket = TicketRow(
            secret_digest=b"s", finess=SITE, created_at=NOW, expires_at=NOW + timedelta(days=1), uses_left=2
        )
        with database.write() as transaction:
            tickets = Tickets(transaction)
            tickets.add(ticket)
            assert tickets.use(b"s", NOW + timedelta(days=2)) is None
            assert tickets.use(b"other", NOW) is None
            assert [tickets.use(b"s", NOW) for _ in range(3)] == [SITE, SITE, None]

    def test_a_revoked_ticket_is_worth_nothing(self, database: Database, sites: None) -> None:
        ticket = TicketRow(
            secret_digest=b"s", finess=SITE, created_at=NOW, expires_at=NOW + timedelta(days=1), uses_left=2
        )
        with database.write() as transaction:
            Tickets(transaction).add(ticket)
            assert Tickets(transaction).revoke(ticket.id)
            assert not Tickets(transaction).revoke("unknown")
            assert Tickets(transaction).use(b"s", NOW) is None

    def test_the_last_use_of_a_ticket_goes_to_one_machine_only(self, database: Database, sites: None) -> None:
        ticket = TicketRow(
            secret_digest=b"s", finess=SITE, created_at=NOW, expires_at=NOW + timedelta(days=1), uses_left=3
        )
        with database.write() as transaction:
            Tickets(transaction).add(ticket)

        def use(_: int) -> str | None:
            with database.write() as transaction:
                return Tickets(transaction).use(b"s", NOW)

        with ThreadPoolExecutor(4) as pool:
            outcomes = list(pool.map(use, range(12)))
        assert outcomes.count(SITE) == 3

    def test_a_report_is_kept_once(self, database: Database, sites: None) -> None:
        with database.write() as transaction:
            Agents(transaction).add(_agent("a"))
            assert Reports(transaction).keep(_report(b"1", "a"))
            assert not Reports(transaction).keep(_report(b"1", "a", minutes=5))

    def test_reports_kept_together_are_kept_once_each(self, database: Database, sites: None) -> None:
        with database.write() as transaction:
            for name in ("a", "b"):
                Agents(transaction).add(_agent(name))
            assert Reports(transaction).keep_all([]) == frozenset()
            assert Reports(transaction).keep(_report(b"1", "a"))
            assert Reports(transaction).keep_all([_report(b"1", "a"), _report(b"2", "a"), _report(b"2", "b")]) == {b"2"}

    def test_agents_seen_together_tell_their_sites_but_for_the_unknown_and_the_revoked(
        self, database: Database, sites: None
    ) -> None:
        with database.write() as transaction:
            agents = Agents(transaction)
            for name, finess in (("a", SITE), ("b", OTHER), ("gone", SITE), ("c", SITE)):
                agents.add(_agent(name, finess))
            agents.revoke("gone")
            standing = agents.standing(["b", "gone", "a", "nobody"])
            assert standing == {"a": Standing(SITE), "b": Standing(OTHER)}
            agents.note_seen(standing, NOW)
            assert agents.standing([]) == {}
            agents.note_seen({}, NOW)
            Sites(transaction).touch_all([SITE, OTHER, SITE])
        with database.read() as transaction:
            assert {row.id: row.last_seen for row in Agents(transaction).all()} == {
                "a": NOW, "b": NOW, "c": None, "gone": None,
            }  # fmt: skip
            assert [site.revision for site in Sites(transaction).all()] == [2, 2]

    def test_those_who_hand_in_for_the_same_agents_wait_for_one_another_and_never_both(
        self, database: Database, sites: None
    ) -> None:
        names = [f"{number:02}" for number in range(20)]
        with database.write() as transaction:
            for name in names:
                Agents(transaction).add(_agent(name))

        def hand_in(turn: int) -> int:
            mine = names if turn % 2 else names[::-1]
            with database.write() as transaction:
                Agents(transaction).note_seen(Agents(transaction).standing(mine), NOW)
                new = Reports(transaction).keep_all([_report(f"{turn // 2}{name}".encode(), name) for name in mine])
                Sites(transaction).touch_all([OTHER, SITE] if turn % 2 else [SITE, OTHER])
                return len(new)

        with ThreadPoolExecutor(4) as pool:
            assert sum(pool.map(hand_in, range(16))) == 8 * len(names)

    def test_the_newest_report_of_each_agent_speaks_for_the_site(self, database: Database, sites: None) -> None:
        with database.write() as transaction:
            agents, reports = Agents(transaction), Reports(transaction)
            for name, finess in (("a", SITE), ("b", SITE), ("gone", SITE), ("silent", SITE), ("else", OTHER)):
                agents.add(_agent(name, finess))
            for digest, agent, minutes in (
                (b"1", "a", 0), (b"2", "a", 9), (b"3", "a", 5), (b"4", "b", 1), (b"5", "gone", 1), (b"6", "else", 1)
            ):  # fmt: skip
                reports.keep(_report(digest, agent, minutes))
            agents.revoke("gone")
        with database.read() as transaction:
            assert [row.digest for row in Reports(transaction).newest_of_site(SITE)] == [b"2", b"4"]

    def test_what_an_agent_said_of_its_machine_is_known_when_it_hands_in_again(
        self, database: Database, sites: None
    ) -> None:
        late = datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
        told = {"a": Standing(SITE, "aa" * 8, 2**32 - 1, late), "b": Standing(OTHER, "bb" * 8, 1, NOW)}
        with database.write() as transaction:
            for name, one in told.items():
                Agents(transaction).add(_agent(name, one.finess))
            Agents(transaction).note_seen(told, NOW)
        with database.write() as transaction:
            assert Agents(transaction).standing(["a", "b"]) == told
            (row,) = Agents(transaction).family("a")
            row.quarantined = True
            Agents(transaction).save([row])
            assert Agents(transaction).standing(["a"]) == {"a": told["a"]._replace(quarantined=True)}

    def test_a_copy_stands_beside_its_agent_and_is_revoked_with_it(self, database: Database, sites: None) -> None:
        with database.write() as transaction:
            agents = Agents(transaction)
            agents.add(_agent("z"))
            agents.add(_agent("else"))
            copies = [AgentRow(**_agent(name).model_dump() | {"copy_of": "z", "quarantined": True}) for name in "cd"]
            agents.save(copies)
            agents.note_gone_back("else", NOW)
        with database.read() as transaction:
            agents = Agents(transaction)
            assert [row.id for row in agents.family("z")] == ["z", "c", "d"]
            assert [row.id for row in agents.family("c")] == ["c"]
            assert {row.id for row in agents.odd(SITE)} == {"c", "d", "else"}
            assert agents.odd(OTHER) == []
        with database.write() as transaction:
            assert Agents(transaction).revoke("z")
            assert not Agents(transaction).revoke("nobody")
            assert [row.id for row in Agents(transaction).of_site(SITE)] == ["else"]

    def test_two_agents_exchange_their_reports(self, database: Database, sites: None) -> None:
        with database.write() as transaction:
            for name in "abc":
                Agents(transaction).add(_agent(name))
            held = [(b"1", "a"), (b"2", "a"), (b"3", "b"), (b"4", "c")]
            Reports(transaction).keep_all([_report(digest, agent) for digest, agent in held])
            Reports(transaction).exchange("a", "b")
        with database.read() as transaction:
            found = {row.digest: row.agent_id for row in Reports(transaction).of_site(SITE)}
        assert found == {b"1": "b", b"2": "b", b"3": "a", b"4": "c"}

    def test_the_newest_answer_to_each_question_counts(self, database: Database, sites: None) -> None:
        with database.write() as transaction:
            for question, choice in (("q", "oui"), ("p", "non"), ("q", "non")):
                Answers(transaction).add(
                    AnswerRow(finess=SITE, question=question, choice=choice, author="dsi", answered_at=NOW)
                )
        with database.read() as transaction:
            assert [(a.question, a.choice) for a in Answers(transaction).newest_of_site(SITE)] == [
                ("p", "non"), ("q", "non"),
            ]  # fmt: skip

    def test_orders_add_up(self, database: Database, sites: None) -> None:
        with database.write() as transaction:
            for quantity in (2, 3):
                Orders(transaction).add(
                    OrderRow(finess=SITE, item="reader", quantity=quantity, reference="r", author="o", recorded_at=NOW)
                )
        with database.read() as transaction:
            assert Orders(transaction).quantities() == {(SITE, "reader"): 5}

    def test_operators_are_found_and_revoked(self, database: Database) -> None:
        with database.write() as transaction:
            Operators(transaction).add(OperatorRow(name="dsi", role="dsi", fingerprint=b"f", created_at=NOW))
            assert Operators(transaction).revoke("dsi")
        with database.read() as transaction:
            kept = Operators(transaction).find("dsi")
            assert kept is not None
            assert kept.revoked

    def test_lists_have_what_is_revoked_too_and_can_be_of_one_site(self, database: Database, sites: None) -> None:
        with database.write() as transaction:
            for name in ("b", "a"):
                Operators(transaction).add(OperatorRow(name=name, role="dsi", fingerprint=b"f", created_at=NOW))
                Agents(transaction).add(_agent(f"{name}2", OTHER))
                Agents(transaction).add(_agent(f"{name}1"))
            for digest, finess, days in ((b"1", SITE, 1), (b"2", SITE, 2), (b"3", OTHER, 3)):
                created = NOW + timedelta(days=days)
                Tickets(transaction).add(
                    TicketRow(secret_digest=digest, finess=finess, created_at=created, expires_at=created, uses_left=1)
                )
            assert Operators(transaction).revoke("a")
            assert Agents(transaction).revoke("a1")
        with database.read() as transaction:
            operators, agents, tickets = Operators(transaction), Agents(transaction), Tickets(transaction)
            assert [(row.name, row.revoked) for row in operators.all()] == [("a", True), ("b", False)]
            assert [row.id for row in agents.all()] == ["a1", "b1", "a2", "b2"]
            assert [row.id for row in agents.all(OTHER)] == ["a2", "b2"]
            assert [row.secret_digest for row in tickets.all()] == [b"2", b"1", b"3"]
            assert [row.secret_digest for row in tickets.all(OTHER)] == [b"3"]

    def test_the_newest_report_of_each_machine_that_stands_is_given_in_one_go(
        self, database: Database, sites: None
    ) -> None:
        with database.write() as transaction:
            for agent in (_agent("a"), _agent("b"), _agent("silent"), _agent("gone"), _agent("z", OTHER)):
                Agents(transaction).add(agent)
            Agents(transaction).revoke("gone")
            for number, (agent_id, minutes) in enumerate((("a", 1), ("a", 0), ("b", 5), ("gone", 3), ("z", 2))):
                body = f"{agent_id}{minutes}".encode()
                Reports(transaction).keep(_report(b"%d" % number, agent_id, minutes)._replace(compressed=packed(body)))
        with database.read() as transaction:
            assert dict(newest_bodies(transaction)) == {"a": b"a1", "b": b"b5", "z": b"z2"}
            assert dict(newest_bodies(transaction, OTHER)) == {"z": b"z2"}

    def test_authorities_to_come_are_kept_once_in_their_order_until_one_is_withdrawn(self, database: Database) -> None:
        def row(name: str, minutes: int = 0) -> ComingAuthorityRow:
            announced_at = NOW + timedelta(minutes=minutes)
            return ComingAuthorityRow(fingerprint=name, certificate=name.encode(), announced_at=announced_at)

        with database.write() as transaction:
            coming = ComingAuthorities(transaction)
            assert [coming.add(one) for one in (row("c", 1), row("b"), row("a"), row("b", 5))] == [True] * 3 + [False]
            assert [(one.fingerprint, one.announced_at) for one in coming.all()] == [
                ("a", NOW), ("b", NOW), ("c", NOW + timedelta(minutes=1)),
            ]  # fmt: skip
            assert [coming.remove(name) for name in ("b", "b", "x")] == [True, False, False]
            assert [one.certificate for one in coming.all()] == [b"a", b"c"]

    def test_who_knows_the_collector_by_other_authorities_is_counted_while_its_certificate_may_hold(
        self, database: Database, sites: None
    ) -> None:
        rows = {name: _agent(name) for name in ("knows", "does not", "says nothing", "is gone", "is revoked", "copy")}
        rows["is gone"].enrolled_at, rows["is revoked"].revoked = NOW - timedelta(days=91), True
        with database.write() as transaction:
            agents = Agents(transaction)
            for row in rows.values():
                agents.add(row)
            rows["copy"].copy_of = "knows"
            agents.save([rows["copy"]])
            agents.note_trust("knows", b"new")
            agents.note_trust("does not", b"old")
        with database.read() as transaction:
            since = NOW - timedelta(days=90)
            counts = [Agents(transaction).trusting_otherwise(one, since) for one in (b"new", b"old", b"none")]
        assert counts == [2, 2, 3]

    def test_what_changes_a_site_while_its_line_is_written_is_not_lost(self, database: Database, sites: None) -> None:
        def change(number: int) -> None:
            with database.write() as transaction:
                if number % 2:
                    Sites(transaction).touch_all([SITE])
                else:
                    site = SiteRow(finess=SITE, name="Les Tilleuls", workstations=number)
                    save_site(transaction, site, author="console", now=NOW)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(change, range(16)))
        with database.read() as transaction:
            site = Sites(transaction).find(SITE)
        assert site is not None
        assert site.revision == 17

    def test_those_who_change_things_at_once_make_one_chain_of_entries(self, database: Database, sites: None) -> None:
        def write(number: int) -> None:
            with database.write() as transaction:
                audit = Audit(transaction)
                audit.add(AuditRow(at=NOW, author="console", action="site.save", subject=str(number), detail="{}"))
                Sites(transaction).touch_all([SITE, OTHER] if number % 2 else [OTHER, SITE])

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(write, range(16)))
        with database.read() as transaction:
            audit, digest = Audit(transaction), GENESIS
            for number, (found, row) in enumerate(audit.all(), start=1):
                assert row is not None
                digest = sealed(digest, number, row)
                assert (found, row.number, row.digest) == (number, number, digest)
            assert audit.head() == (16, digest)
