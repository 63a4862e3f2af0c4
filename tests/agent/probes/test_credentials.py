from collections.abc import Callable
from pathlib import Path

from tests.agent.probes.conftest import fixture_machine

from prerequis.v1.access_pb2 import Credentials
from prerequis_agent.probe import Probe
from prerequis_agent.probes.credentials import PROBE


def test_each_machine_shows_how_it_keeps_secrets(check: Callable[[Probe], None]) -> None:
    check(PROBE)


def test_a_protection_that_no_value_tells_is_unknown_where_windows_may_protect_unasked(tmp_path: Path) -> None:
    facts = PROBE.observe(fixture_machine("access/windows-11-home", tmp_path)).facts
    assert isinstance(facts, Credentials)
    assert not facts.HasField("lsa_protected")


def test_the_newest_laps_wins_over_the_legacy_one(tmp_path: Path) -> None:
    facts = PROBE.observe(fixture_machine("access/windows-11-25h2-entra", tmp_path)).facts
    assert isinstance(facts, Credentials)
    assert facts.laps == Credentials.ENTRA


def test_a_refused_policy_of_laps_is_neither_its_presence_nor_its_absence(tmp_path: Path) -> None:
    seen = PROBE.observe(fixture_machine("access/windows-10-22h2-not-admin", tmp_path))
    assert isinstance(seen.facts, Credentials)
    assert not seen.facts.HasField("laps")
    assert "relancé en administrateur" in seen.detail
