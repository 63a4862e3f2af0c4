"""The pages say what the probes declare, and the probes declare what the pages must say."""

from pathlib import Path

import pytest
from google.protobuf.descriptor import FieldDescriptor

from prerequis.v1.facts_pb2 import Facts
from prerequis_agent import notice
from prerequis_agent.host import PROGRAMS
from prerequis_agent.runner import discover

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", ["probes.md", "privacy.md"])
def test_the_committed_page_is_the_one_that_the_declarations_give(name: str) -> None:
    assert (DOCS / name).read_text() == notice.pages()[name], "run `make docs`"


def test_every_probe_says_in_a_sentence_what_it_looks_at() -> None:
    assert [probe.name for probe in discover() if not (probe.about.endswith(".") and len(probe.about) > 10)] == []


def test_every_field_of_the_facts_has_a_probe_and_is_named_in_the_notice() -> None:
    fields: list[FieldDescriptor] = list(Facts.DESCRIPTOR.fields)
    assert [probe.name for probe in discover()] == [field.name for field in fields]
    text = notice.pages()["privacy.md"]
    for name in ("`without_password`", "`readers.atr`", "`volumes.protection`", "`booted_at`"):
        assert name in text


def test_no_program_is_allowed_that_no_probe_declares() -> None:
    assert {program for probe in discover() for program in probe.commands} == PROGRAMS


def test_a_key_or_path_of_the_machine_is_never_left_out() -> None:
    text = notice.pages()["probes.md"]
    for probe in discover():
        for declared in (*probe.reads, *probe.registry, *probe.cim, *probe.win32, *probe.commands):
            assert f"`{declared}`" in text
