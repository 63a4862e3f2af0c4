"""When this machine measures the line by itself."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from google.protobuf import json_format

from prerequis.v1.facts_pb2 import Interface, Line, Network
from prerequis.v1.line_pb2 import PROVEN
from prerequis.v1.measurement_pb2 import GetPlanResponse, ReleaseLeaseResponse, Target
from prerequis.v1.report_pb2 import ProbeRun
from prerequis_agent import line_run, turns
from prerequis_agent.commands import measure
from prerequis_agent.config import State
from prerequis_agent.identity import Identity
from prerequis_agent.line_run import Measured
from prerequis_agent.site_plan import _is_wireless

NOW = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)


def _planned(folder: Path, at: datetime | None) -> State:
    plan = GetPlanResponse(targets=[Target(host="dui.example", port=443)])
    if at is not None:
        plan.measure_at.FromDatetime(at)
    state = State(folder)
    state.plan.write_text(json_format.MessageToJson(plan))
    return state


def test_a_turn_is_read_from_the_plan_of_last_time(tmp_path: Path) -> None:
    assert turns.turn(State(tmp_path)) is None
    assert turns.turn(_planned(tmp_path, None)) is None
    assert turns.turn(_planned(tmp_path, NOW)) == NOW
    (tmp_path / "plan.json").write_text("{")
    assert turns.turn(State(tmp_path)) is None


def test_the_end_of_a_lease_brings_the_next_turn_and_leaves_the_rest_of_the_plan(tmp_path: Path) -> None:
    state = _planned(tmp_path, NOW)
    answer = ReleaseLeaseResponse()
    answer.measure_at.FromDatetime(NOW + timedelta(days=1))
    turns.keep_turn(state, answer)
    assert turns.turn(state) == NOW + timedelta(days=1)
    turns.keep_turn(state, ReleaseLeaseResponse())
    assert turns.turn(state) is None
    plan = turns.kept_plan(state)
    assert plan is not None
    assert [target.host for target in plan.targets] == ["dui.example"]


@pytest.mark.parametrize(
    ("kinds", "wireless"),
    [
        ([Interface.ETHERNET], False),
        ([Interface.WIFI], True),
        ([Interface.ETHERNET, Interface.MOBILE], True),
        ([], None),
    ],
)
def test_the_collector_is_told_whether_the_machine_is_by_cable(
    kinds: list[Interface.Kind.ValueType], wireless: bool | None
) -> None:
    network = Network(interfaces=[Interface(kind=kind, carries_default_route=True) for kind in kinds])
    network.interfaces.add(kind=Interface.WIFI)
    assert _is_wireless(network) is wireless
    assert _is_wireless(None) is None


class Clock:
    """A clock that sleeping moves."""

    def __init__(self, oversleeps: timedelta = timedelta()) -> None:
        self.now, self._oversleeps, self.slept = NOW, oversleeps, 0.0

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.now += timedelta(seconds=seconds) + self._oversleeps

    def __call__(self) -> datetime:
        return self.now


def _in_turn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, clock: Clock, measured: Measured) -> str:
    monkeypatch.setattr(line_run, "measure", lambda *_: measured)
    at = NOW + timedelta(minutes=20)
    return line_run.measure_in_turn(State(tmp_path), Identity.__new__(Identity), at, clock.sleep, clock)


def test_a_machine_waits_for_its_turn_and_says_how_it_went(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clock = Clock()
    done = Measured(Line(), ProbeRun(outcome=ProbeRun.FOUND), contention=False)
    assert _in_turn(monkeypatch, tmp_path, clock, done) == "Ligne mesurée et résultat remis au collecteur."
    assert clock.slept == 20 * 60
    refused = Measured(None, ProbeRun(detail="D'autres postes du site mesurent la ligne."), contention=False)
    said = _in_turn(monkeypatch, tmp_path, Clock(), refused)
    assert said == "Ligne non mesurée. D'autres postes du site mesurent la ligne."


def test_a_turn_slept_through_is_not_taken_late(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    done = Measured(Line(), ProbeRun(outcome=ProbeRun.FOUND), contention=False)
    said = _in_turn(monkeypatch, tmp_path, Clock(oversleeps=timedelta(minutes=11)), done)
    assert said == "Mesure de la ligne manquée : le poste était en veille."


def test_a_measurement_is_told_in_both_units_with_what_to_do_next() -> None:
    line = Line(rtt_seconds=0.031, confidence=Line.HIGH)
    line.down.bits_per_second, line.down.target_bits_per_second, line.down.stop = 25e6, 25e6, PROVEN
    line.down.censored = True
    said = measure.text(Measured(line, ProbeRun(), contention=False))
    assert "Réception : au moins 25,0 Mbit/s (3\u202f125 Ko/s), suffisant (essai à 25,0 Mbit/s" in said
    assert "Émission  : non mesurée" in said
    assert "Confiance : forte" in said
    assert "remis au collecteur" in said
    assert "relancer la mesure" in measure.text(Measured(line, ProbeRun(), contention=True))
    line.confidence = Line.LOW
    assert "poste câblé" in measure.text(Measured(line, ProbeRun(), contention=False))
    assert (
        measure.text(Measured(None, ProbeRun(detail="Trop tard."), contention=False)) == "Pas de mesure. Trop tard.\n"
    )
