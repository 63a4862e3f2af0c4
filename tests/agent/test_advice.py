"""What a technician is told on the spot, and the page that a director gets."""

import importlib.metadata
import re
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from google.protobuf import json_format

from prerequis.v1.facts_pb2 import Facts, Line, Reader, Smartcard
from prerequis.v1.measurement_pb2 import GetPlanResponse, SiteProgress
from prerequis.v1.report_pb2 import ProbeRun, Report, Workstation
from prerequis_agent.advice import Advice, Light, advise, light
from prerequis_agent.advice_page import page
from prerequis_agent.config import State
from prerequis_agent.remaining import remaining


def advice(verdict: str, level: str = "major", title: str = "Le poste est prêt") -> Advice:
    return Advice("rule", title, level, verdict, observed="2", expected="4 & plus", remedy="Ajouter <2>.")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([advice("PASS", "blocking"), advice("UNKNOWN", "major"), advice("FAIL", "info")], Light.GREEN),
        ([advice("FAIL", "minor")], Light.AMBER),
        ([advice("UNKNOWN", "blocking")], Light.AMBER),
        ([advice("PASS", "minor"), advice("NOT_APPLICABLE", "blocking")], Light.GREEN),
        ([advice("FAIL", "minor"), advice("FAIL", "blocking")], Light.RED),
    ],
)
def test_the_light_is_that_of_the_worst(given: list[Advice], expected: Light) -> None:
    assert light(given) is expected


@pytest.mark.parametrize(
    "given",
    [
        [],
        [advice("NOT_APPLICABLE", "blocking")] * 49,
        [advice("PASS", "minor"), advice("UNKNOWN", "major")],
        [advice("PASS", "blocking"), *[advice("UNKNOWN", "info")] * 9],
    ],
)
def test_a_machine_of_which_little_was_decided_is_not_green(given: list[Advice]) -> None:
    """peers.md §3 row 10: all rules not applicable, and a good ending all the same."""
    assert light(given) is Light.AMBER


def test_rules_that_were_kept_say_what_they_said(tmp_path: Path) -> None:
    report = seen(Reader(name="lecteur", seen_by_pcsc=True))
    first = advise(report, "750000001", tmp_path / "cache")
    (kept,) = (tmp_path / "cache").iterdir()
    assert kept.stat().st_mode & 0o077 == 0
    assert advise(report, "750000001", tmp_path / "cache") == first == advise(report, "750000001")
    kept.write_bytes(kept.read_bytes()[:-9])
    assert advise(report, "750000001", tmp_path / "cache") == first


def test_an_agent_that_is_no_installed_package_keeps_no_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    assert advise(seen(Reader(name="lecteur", seen_by_pcsc=True)), "750000001", tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def plan(state: State, **known: int) -> None:
    state.directory.mkdir(exist_ok=True)
    state.plan.write_text(json_format.MessageToJson(GetPlanResponse(progress=SiteProgress(**known))))


def seen(*readers: Reader, role: Workstation.Role.ValueType = Workstation.CARE) -> Report:
    workstation = Workstation(id="a", role=role)
    return Report(workstation=workstation, facts=Facts(smartcard=Smartcard(readers=readers)))


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "state")


def test_what_remains_on_the_site_is_told_with_figures(state: State) -> None:
    plan(state, workstations=12, workstations_seen=3, questions=40, questions_answered=2)
    told = " ".join(remaining(state, seen(Reader(card_present=True)), waiting=2))
    assert "3 vus sur 12" in told
    assert "38 questions sur 40" in told
    assert "Mesurer la ligne" in told
    assert "gardés sur ce poste (2)" in told


def test_when_everything_is_done_nothing_remains(state: State) -> None:
    plan(state, workstations=3, workstations_seen=3, questions=40, questions_answered=40)
    kept = seen()
    kept.facts.line.CopyFrom(Line(down_bits_per_second=1e7))
    state.acknowledged.write_bytes(kept.SerializeToString())
    assert remaining(state, seen(Reader(card_present=True)), waiting=0) == ()


@pytest.mark.parametrize(
    ("readers", "role", "word"),
    [
        ([], Workstation.CARE, "Brancher un lecteur"),
        ([Reader(card_present=False)], Workstation.MANAGEMENT, "Insérer une carte CPx"),
        ([Reader(card_present=True)], Workstation.ROLE_UNSPECIFIED, "Déclarer à quoi sert ce poste"),
    ],
)
def test_what_the_machine_lacks_comes_first(
    state: State, readers: list[Reader], role: Workstation.Role.ValueType, word: str
) -> None:
    assert remaining(state, seen(*readers, role=role), waiting=0)[0].startswith(word)


def test_what_is_not_known_is_not_said_to_be_done(state: State) -> None:
    assert "pas encore connu" in remaining(state, seen(Reader(card_present=True)), waiting=0)[-1]


def test_a_machine_without_a_site_is_to_be_enrolled(state: State) -> None:
    (told,) = remaining(state, Report(), waiting=0)
    assert "enrol --ticket" in told


def test_what_needs_another_right_is_named(state: State) -> None:
    report = seen()
    report.probes.add(name="firewall", outcome=ProbeRun.NOT_PERMITTED)
    assert "Relancer en administrateur pour voir : firewall." in remaining(state, report, waiting=0)


class Outline(HTMLParser):
    """The open elements, the headings in order, and every attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_stands_alone_and_can_be_read_without_colour() -> None:
    told = [advice("FAIL", "blocking", "Un <lecteur>"), advice("UNKNOWN"), advice("PASS", title="Mémoire")]
    text = page("PC & 1", "Les Tilleuls", datetime(2026, 11, 22, 7, 5), Light.RED, told, ["Brancher <ici>."])
    outline = Outline()
    outline.feed(text)
    assert outline.open == []
    assert outline.headings[0] == "h1"
    assert outline.headings.count("h1") == 1
    assert ("lang", "fr") in outline.attributes
    assert not {"src", "href", "onclick", "style"} & {name for name, _ in outline.attributes}
    assert not re.search(r"https?:|url\(|@import|<script", text)
    for words in (
        "Poste PC &amp; 1",
        "Rouge</strong>",
        "Un &lt;lecteur&gt;",
        "Ajouter &lt;2&gt;.",
        "Brancher &lt;ici&gt;.",
    ):
        assert words in text
    assert "22/11/2026 à 07:05" in text
