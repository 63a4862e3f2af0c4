"""Until when programs are maintained: what the table says of a version, and nothing where it may be several."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerequis.v1.context_pb2 import DerivedApplication
from prerequis.v1.facts_pb2 import Facts, System
from prerequis.v1.software_pb2 import Application, Applications
from prerequis_rules.derive import derive
from prerequis_rules.knowledge import numbers
from prerequis_rules.load import load_knowledge

KNOWLEDGE = load_knowledge()
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def life_of(
    program: Application, family: System.Family.ValueType = System.WINDOWS, now: datetime = NOW
) -> DerivedApplication:
    facts = Facts(system=System(family=family), applications=Applications(applications=[program]))
    (derived,) = derive(facts, KNOWLEDGE, now).applications
    return derived


@pytest.mark.parametrize(("program", "name", "supported"), [
    (Application(id="office", version="16.0.14332.1", product="HomeBusiness2021Retail"), "Office 2021", False),
    (Application(id="office", version="16.0.14332.1", product="HomeBusinessRetail"), "Office 2016", False),
    (Application(id="office", version="16.0.14332.1", product="ProPlus2024Volume"), "Office 2024", True),
    (Application(id="office", version="16.0.14332.1", product="O365ProPlusRetail"), "Microsoft 365 Apps", True),
    (Application(id="office", version="15.0.1"), "Office 2013", False),
    (Application(id="mariadb", version="10.11.6"), "MariaDB 10.11", True),
    (Application(id="mysql", version="8.0.36"), "MySQL 8.0", False),
    (Application(id="postgresql", version="9.6"), "", None),
    (Application(id="libreoffice", version="7.4.7.2"), "LibreOffice (ancienne)", False),
    (Application(id="firefox", version="115.20.0", channel="esr"), "Firefox ESR 115", True),
    (Application(id="firefox", version="115.0.2"), "", None),
    (Application(id="chrome", version="99.0.1"), "Chrome avant 151", False),
    (Application(id="chrome"), "", None),
    (Application(id="7-zip", version="9.20"), "", None),
    (Application(), "", None),
])  # fmt: skip
def test_a_program_is_told_by_its_product_channel_and_version(
    program: Application, name: str, supported: bool | None
) -> None:
    derived = life_of(program)
    assert derived.name == name
    assert (derived.supported if derived.HasField("supported") else None) is supported


def test_on_linux_the_distribution_maintains_what_the_publisher_gave_up() -> None:
    derived = life_of(Application(id="libreoffice", version="7.4.7"), System.LINUX)
    assert derived == DerivedApplication(id="libreoffice")


def test_there_is_one_derived_program_for_each_in_their_order() -> None:
    programs = [Application(id=identifier, version="1") for identifier in ("office", "chrome", "office", "keepass")]
    facts = Facts(system=System(family=System.WINDOWS), applications=Applications(applications=programs))
    derived = derive(facts, KNOWLEDGE, NOW).applications
    assert [one.id for one in derived] == [one.id for one in programs]


@given(st.sampled_from(sorted({row.id for row in KNOWLEDGE.programs})), st.text(), st.text(), st.text())
def test_any_version_product_and_channel_is_borne(identifier: str, version: str, product: str, channel: str) -> None:
    derived = life_of(Application(id=identifier, version=version, product=product, channel=channel))
    assert derived.id == identifier


@pytest.mark.parametrize(("version", "expected"), [
    ("9.10.1", (9, 10, 1)), ("25.8.1.1 (fr)", (25, 8, 1, 1)), ("1:115.2-esr", (1,)), ("", ()), ("v2", ()),
])  # fmt: skip
def test_a_version_is_compared_by_the_numbers_it_begins_with(version: str, expected: tuple[int, ...]) -> None:
    assert numbers(version) == expected


def test_no_two_rows_of_the_table_are_the_same() -> None:
    assert len(set(KNOWLEDGE.programs)) == len(KNOWLEDGE.programs)
    assert len(KNOWLEDGE.programs) == 54
