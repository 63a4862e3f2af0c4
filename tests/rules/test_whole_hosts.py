"""What the shipped rules say of whole machines, as the agent's probes described them."""

import json
import tomllib
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict

from prerequis.v1.facts_pb2 import Facts
from prerequis.v1.register_pb2 import Site
from prerequis.v1.report_pb2 import Workstation
from prerequis_rules.judge import judge_workstation
from prerequis_rules.pack import Pack

TESTS = Path(__file__).parents[1]
WHOLE = TESTS / "fixtures" / "hosts" / "whole"
JUDGED: list[dict[str, Any]] = tomllib.loads((TESTS / "rules" / "whole_hosts.toml").read_text("utf-8"))["judged"]


def facts_of(host: str) -> Facts:
    """Return the golden facts of a machine; a probe that could not look leaves its message out."""
    golden = json.loads((WHOLE / f"{host}.json").read_text("utf-8"))
    return ParseDict({probe: said["facts"] for probe, said in golden.items() if "facts" in said}, Facts())


@pytest.mark.parametrize("case", JUDGED, ids=[f"{case['host']}: {case['name']}" for case in JUDGED])
def test_the_shipped_rules_say_of_a_whole_machine_what_a_person_would(shipped: Pack, case: dict[str, Any]) -> None:
    judgements = judge_workstation(
        shipped,
        facts_of(case["host"]),
        workstation_id="poste",
        role=Workstation.Role.Value(case["role"].upper()),
        site=Site(finess="990000010"),
        profile=shipped.default_profile,
        now=datetime.combine(case["on"], time(9), UTC),
    )
    said = {judgement.rule: judgement.verdict.name.lower().replace("_", "-") for judgement in judgements}
    assert {rule: said[rule] for rule in case["verdicts"]} == case["verdicts"]


def test_every_whole_machine_is_judged() -> None:
    assert {case["host"] for case in JUDGED} == {path.stem for path in WHOLE.glob("*.json")}
