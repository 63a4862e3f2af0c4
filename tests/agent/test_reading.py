"""What a person reads: the summary of a report, and the progress of a scan."""

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as some

from prerequis.v1.facts_pb2 import Facts, Line, Machine, Reader, Services, Smartcard
from prerequis.v1.report_pb2 import ProbeRun, Report, Workstation
from prerequis_agent import summary
from prerequis_agent.progress import OUTCOMES, Live, seconds


def shown(facts: Facts, name: str, outcome: ProbeRun.Outcome.ValueType = ProbeRun.FOUND, detail: str = "") -> str:
    run = ProbeRun(name=name, outcome=outcome, detail=detail)
    return summary.text(Report(workstation=Workstation(hostname="poste-12"), facts=facts, probes=[run]))


def test_a_report_begins_with_the_name_of_the_machine() -> None:
    assert shown(Facts(), "machine").startswith("Poste poste-12\n")


def test_a_machine_is_shown_by_its_main_values() -> None:
    facts = Facts(machine=Machine(manufacturer="Dell", model="Latitude", cores=4, memory_bytes=8 * 1024**3))
    assert re.search(r"✓ machine +Dell Latitude, 4 cœurs, 8,0 Gio de mémoire\n", shown(facts, "machine"))


def test_a_number_of_readers_is_french() -> None:
    readers = [Reader(card_present=True), Reader(card_present=False)]
    assert "2 lecteurs, 1 carte" in shown(Facts(smartcard=Smartcard(readers=readers)), "smartcard")
    assert "1 lecteur, cartes inconnues" in shown(Facts(smartcard=Smartcard(readers=[Reader()])), "smartcard")
    assert "aucun lecteur, aucune carte" in shown(Facts(smartcard=Smartcard()), "smartcard")


def test_a_lower_bound_is_said_to_be_one() -> None:
    line = Line(down_bits_per_second=2e6, up_bits_per_second=1e6, rtt_seconds=0.0404, censored=True)
    text = shown(Facts(line=line), "line")
    assert "au moins 2,0 Mbit/s en réception, au moins 1,0 Mbit/s en émission, délai 40,4 ms" in text


def test_what_could_not_be_seen_is_shown_with_its_sentence() -> None:
    text = shown(Facts(), "firewall", ProbeRun.NOT_PERMITTED, "Relancer en administrateur.")
    assert re.search(r"! firewall +droits insuffisants\n +Relancer en administrateur.\n", text)


def test_every_outcome_has_a_word() -> None:
    assert set(OUTCOMES) == set(ProbeRun.Outcome.values()) - {ProbeRun.OUTCOME_UNSPECIFIED}


@pytest.mark.parametrize("name", [field.name for field in Facts.DESCRIPTOR.fields])
def test_facts_of_which_nothing_is_known_are_shown_without_a_guess(name: str) -> None:
    facts = Facts()
    getattr(facts, name).SetInParent()
    probe, _, _ = shown(facts, name).partition("Coût")
    assert "0,0" not in probe


@given(some.floats(0, 1000))
def test_a_duration_is_french(duration: float) -> None:
    assert seconds(duration).endswith(" s")
    assert "." not in seconds(duration)


def test_progress_shows_each_probe_once_and_who_is_still_at_work() -> None:
    terminal = io.StringIO()
    live = Live(terminal)
    live.started("machine")
    live.started("services")
    live.ended(ProbeRun(name="machine", outcome=ProbeRun.FOUND, wall_seconds=0.25))
    live.ended(ProbeRun(name="services", outcome=ProbeRun.TIMED_OUT, wall_seconds=15))
    last = terminal.getvalue().split("\x1b[K")
    assert last[2] == "  … machine, services\r"
    assert last[3] == "  ✓ machine          vu (0,2 s)\n  … services\r"
    assert last[4] == "  ! services         trop long (15,0 s)\n"


def test_unreachable_hosts_are_counted() -> None:
    services = Services()
    services.endpoints.add(reachable=True)
    services.endpoints.add(reachable=False)
    assert "1 joint sur 2" in shown(Facts(services=services), "services")
