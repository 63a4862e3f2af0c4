"""Which machine asks the services: the one that the collector elects, and any that a person watches."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.agent.commands.agent import Agent
from tests.agent.tiny_collector import TinyCollector

from prerequis_agent.config import State
from prerequis_agent.enrolment import current_identity
from prerequis_agent.errors import Unsupported
from prerequis_agent.host import Host
from prerequis_agent.probes import services
from prerequis_agent.site_plan import surroundings
from prerequis_agent.surroundings import Surroundings


def known(agent: Agent, attended: bool) -> Surroundings:
    state = State(agent.state)
    return surroundings(state, current_identity(state, datetime.now(UTC)), attended)


def spared(agent: Agent, attended: bool = False) -> str:
    plan = known(agent, attended).plan
    assert plan is not None
    return plan.spared


def test_the_elected_machine_asks_and_another_says_why_it_does_not(enrolled: Agent, collector: TinyCollector) -> None:
    assert spared(enrolled) == ""
    collector.elects_another = True
    with pytest.raises(Unsupported, match="Un autre poste du site vérifie les services aujourd'hui"):
        services.observe(Host(surroundings=known(enrolled, attended=False)))
    assert spared(enrolled, attended=True) == ""


def test_a_scan_is_watched_and_tells_the_collector_so(enrolled: Agent, collector: TinyCollector) -> None:
    collector.elects_another = True
    done = enrolled("scan", "--only", "services", "--json")
    # Enrolling is a person's deed too: it elects nobody who would not ask.
    assert collector.attended == [True, True]
    report = json.loads(done.stdout)
    assert [probe["outcome"] for probe in report["probes"]] == ["FOUND"]
    assert [endpoint["purpose"] for endpoint in report["facts"]["services"]["endpoints"]] == ["collector"]


def test_without_its_collector_a_machine_asks_only_when_a_person_watches(
    enrolled: Agent, collector: TinyCollector, tmp_path: Path
) -> None:
    assert spared(enrolled) == ""
    # Told not to ask, it still knows what there is to ask.
    collector.elects_another = True
    assert spared(enrolled) != ""
    collector.stop()
    try:
        assert spared(enrolled).startswith("Le collecteur n'a pas dit si ce poste doit vérifier")
        watched = known(enrolled, attended=True).plan
        assert watched is not None
        assert (watched.spared, [target.purpose for target in watched.targets]) == ("", ["collector"])
    finally:
        collector.start()
