"""What the technician reads of each probe."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from hypothesis import given, settings
from tests.rules.strategies import messages

from prerequis.v1.facts_pb2 import Facts
from prerequis_agent.runner import discover
from prerequis_agent.sentences import phrase_of

CASES: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("sentences.toml").read_text("utf-8"))["phrases"]


def parsed(probe: str, facts: dict[str, Any]) -> Message:
    filled = Facts()
    part: Message = getattr(filled, probe)
    json_format.ParseDict(facts, part)
    return part


def phrase(probe: str, facts: Message) -> str:
    say = phrase_of(probe)
    assert say is not None, f"no phrase for {probe}"
    return say(facts)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['probe']}: {case['phrase']}")
def test_facts_are_told_in_plain_french(case: dict[str, Any]) -> None:
    assert phrase(case["probe"], parsed(case["probe"], case["facts"])) == case["phrase"]


@pytest.mark.parametrize("name", [probe.name for probe in discover()])
def test_every_probe_has_its_phrase_and_its_case(name: str) -> None:
    assert phrase_of(name) is not None
    assert name in {case["probe"] for case in CASES}


def test_a_probe_of_which_there_is_no_phrase_yet_is_no_error() -> None:
    assert phrase_of("probe_to_come") is None


@given(messages(Facts))
@settings(max_examples=60)
def test_any_facts_are_told_on_one_line(facts: Facts) -> None:
    # The strategy makes moments that are none, which the agent never does.
    facts.backup.ClearField("last_success_at")
    for field, value in facts.ListFields():
        told = phrase(field.name, value)
        assert "\n" not in told or "\n" in str(value)
        assert "UNSPECIFIED" not in told
