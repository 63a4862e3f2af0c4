"""No value of this machine is reported that nothing else confirms."""

from fnmatch import fnmatchcase
from importlib import import_module
from pathlib import Path

import pytest
from google.protobuf.descriptor import Descriptor
from tests.agent.confirmed.witness import CONFIRMED, claims

from prerequis.v1.facts_pb2 import Facts

pytestmark = pytest.mark.xdist_group("confirmed")

ELSEWHERE = {
    "smartcard.*": "a virtual reader behind a real pcscd, tests/agent/probes/test_smartcard.py",
    "middleware.*": "Cryptolib and GALSS are not in Debian: the fixture hosts of tests/fixtures/hosts/smartcard",
    "certificate_stores.*": "stores that the tests fill themselves",
    "lan.*": "network namespaces that the tests lay out",
    "services.*": "servers on loopback that the tests start",
    "line.*": "a line that the tests shape",
    "wifi.*": "no radio in a virtual machine: answers of wpa_supplicant and NetworkManager in the fixture hosts",
    "encryption.volumes.*": "what cryptsetup wrote, in the fixture hosts",
    "updates.*": "dates that only Windows and macOS keep",
}
"""Fields that nothing on an ordinary machine confirms, and what does instead."""


def confirmed() -> set[str]:
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        if path.stem != Path(__file__).stem:
            import_module(f"tests.agent.confirmed.{path.stem}")
    return set(CONFIRMED)


def test_each_value_that_this_machine_reports_is_confirmed_or_says_why_not(facts: Facts) -> None:
    told = set(claims(facts)) - confirmed()
    assert [path for path in sorted(told) if not any(fnmatchcase(path, each) for each in ELSEWHERE)] == []


def test_most_of_what_this_machine_reports_is_confirmed_here(facts: Facts) -> None:
    told = set(claims(facts))
    assert len(told & confirmed()) > 0.8 * len(told)


@pytest.mark.parametrize("path", sorted(confirmed()))
def test_a_test_confirms_a_field_that_there_is(path: str) -> None:
    descriptor: Descriptor | None = Facts.DESCRIPTOR
    for name in path.split("."):
        assert descriptor and name in descriptor.fields_by_name, path
        descriptor = descriptor.fields_by_name[name].message_type
