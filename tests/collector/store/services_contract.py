"""What both kinds of database must do for the services of a site: one machine asks, and what it found is kept."""

from datetime import UTC, datetime, timedelta

import pytest

from prerequis.v1.facts_pb2 import Endpoint, Services
from prerequis_collector.services.elect import INTERVAL, PATIENCE, Turn, elect, turn
from prerequis_collector.services.reachability import known_services, note_services
from prerequis_collector.store.agents import AgentRow, Agents
from prerequis_collector.store.database import Database
from prerequis_collector.store.sites import SiteRow, Sites
from prerequis_rules.messages import moment

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SITE, OTHER = "330000019", "330000027"
MACHINES = {"a": SITE, "b": SITE, "c": OTHER}


def found(*, psc: bool, dui: bool = True) -> Services:
    services = Services()
    for host, reached in (("psc.test", psc), ("dui.test", dui)):
        failure = Endpoint.NONE if reached else Endpoint.TIMED_OUT
        services.endpoints.add(host=host, port=443, reachable=reached, failure=failure)
    return services


class ServicesContract:
    @pytest.fixture(autouse=True)
    def machines(self, database: Database) -> None:
        with database.write() as transaction:
            for finess in (SITE, OTHER):
                Sites(transaction).save(SiteRow(finess=finess, name="Site"))
            for agent_id, finess in MACHINES.items():
                Agents(transaction).add(AgentRow(id=agent_id, finess=finess, fingerprint=b"f", enrolled_at=NOW))

    def elect(self, database: Database, agent_id: str, now: datetime) -> bool:
        with database.write() as transaction:
            return elect(transaction, MACHINES[agent_id], agent_id, now)

    def turns(self, database: Database, now: datetime) -> dict[str, Turn]:
        with database.read() as transaction:
            return {agent_id: turn(transaction, finess, agent_id, now) for agent_id, finess in MACHINES.items()}

    def note(self, database: Database, services: Services, at: datetime) -> None:
        with database.write() as transaction:
            note_services(transaction, SITE, services, at)

    def since(self, database: Database) -> list[datetime | None]:
        with database.read() as transaction:
            known = known_services(transaction, SITE)
            assert known is not None
            return [one.since.ToDatetime(UTC) if one.HasField("since") else None for one in known.asked]

    def test_one_machine_of_a_site_is_elected_and_no_site_stands_in_anothers_way(self, database: Database) -> None:
        assert self.turns(database, NOW) == dict.fromkeys(MACHINES, Turn.NOBODYS)
        assert self.elect(database, "a", NOW)
        assert not self.elect(database, "b", NOW + timedelta(seconds=1))
        assert self.elect(database, "c", NOW)
        assert self.turns(database, NOW) == {"a": Turn.MINE, "b": Turn.ANOTHERS, "c": Turn.MINE}

    def test_an_elected_machine_that_asks_again_is_still_elected(self, database: Database) -> None:
        assert self.elect(database, "a", NOW)
        assert self.elect(database, "a", NOW + timedelta(minutes=1))

    def test_one_that_does_not_report_is_replaced(self, database: Database) -> None:
        assert self.elect(database, "a", NOW)
        assert not self.elect(database, "b", NOW + PATIENCE - timedelta(seconds=1))
        late = NOW + PATIENCE
        assert self.turns(database, late)["b"] is Turn.NOBODYS
        assert self.elect(database, "b", late)
        assert self.turns(database, late)["a"] is Turn.ANOTHERS

    def test_an_identity_in_quarantine_leaves_its_turn_to_others(self, database: Database) -> None:
        with database.write() as transaction:
            copied = Agents(transaction).find("a")
            assert copied is not None
            copied.quarantined = True
            Agents(transaction).save([copied])
        assert self.turns(database, NOW) == {"a": Turn.ANOTHERS, "b": Turn.NOBODYS, "c": Turn.NOBODYS}

    def test_once_they_were_asked_nobody_asks_them_again_that_day(self, database: Database) -> None:
        assert self.elect(database, "a", NOW)
        self.note(database, found(psc=True), NOW)
        later = NOW + INTERVAL - timedelta(seconds=1)
        assert self.turns(database, later) == {"a": Turn.ANOTHERS, "b": Turn.ANOTHERS, "c": Turn.NOBODYS}
        assert self.turns(database, NOW + INTERVAL)["b"] is Turn.NOBODYS
        assert self.elect(database, "b", NOW + INTERVAL)

    def test_a_failure_is_dated_from_when_it_was_first_seen(self, database: Database) -> None:
        days = [NOW + timedelta(days=number) for number in range(5)]
        self.note(database, found(psc=True), days[0])
        assert self.since(database) == [None, None]
        self.note(database, found(psc=False), days[1])
        self.note(database, found(psc=False, dui=False), days[2])
        assert self.since(database) == [days[1], days[2]]
        self.note(database, found(psc=True, dui=False), days[3])
        self.note(database, found(psc=False, dui=False), days[4])
        assert self.since(database) == [days[4], days[2]]

    def test_that_a_script_chooses_the_proxy_is_told_as_long_as_it_is_seen(self, database: Database) -> None:
        for hours, seen in enumerate((True, False)):
            services = found(psc=False)
            if seen:
                services.automatic_script = True
            self.note(database, services, NOW + timedelta(hours=hours))
            with database.read() as transaction:
                known = known_services(transaction, SITE)
            assert known is not None
            assert known.HasField("automatic_script") is seen

    def test_what_comes_late_changes_nothing(self, database: Database) -> None:
        self.note(database, found(psc=True), NOW)
        self.note(database, found(psc=False), NOW - timedelta(hours=1))
        assert self.since(database) == [None, None]

    def test_an_answer_that_proves_nothing_is_no_failure(self, database: Database) -> None:
        unclear = Services(endpoints=[Endpoint(host="ocsp.test", port=80, http_status=400)])
        self.note(database, unclear, NOW)
        assert self.since(database) == [None]

    def test_a_site_that_nobody_asked_for_is_not_known(self, database: Database) -> None:
        self.note(database, found(psc=True), NOW)
        with database.read() as transaction:
            assert known_services(transaction, OTHER) is None
            known = known_services(transaction, SITE)
        assert known is not None
        assert known.observed_at == moment(NOW)
