"""The guided count of cards, with a real PC/SC service and virtual cards."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.pcscd import held_by_another_program, needs_pcscd, pcscd, the_only_pcscd
from tests.agent.probes.conftest import ScriptedPcsc
from tests.agent.probes.virtual_card import PORTS, VirtualCard

from prerequis.command_line import ExitCode
from prerequis_agent.card_census import Census
from prerequis_agent.card_issuer import Issuer, ask_issuer, parse_issuer
from prerequis_agent.card_names import name_of
from prerequis_agent.card_watch import (
    CardInserted,
    CardRemoved,
    Event,
    ReaderAdded,
    ReaderRemoved,
    ServiceFound,
    ServiceLost,
    Watch,
)
from prerequis_agent.host import Host
from prerequis_agent.pcsc import ConnectedScard, WatchedScard

CPS3 = bytes.fromhex("3BAC00402A001225006480000310009000")
CPS4 = bytes.fromhex("3B9B188001001225006480040100009044")
VITALE = bytes.fromhex("3B751300004509EA9000")
SELECT, READ = bytes.fromhex("00A4090C043F00D003"), bytes.fromhex("00B0000007")
OF_THE_ANS = {SELECT: bytes.fromhex("9000"), READ: bytes.fromhex("5A0A80250000019000")}
SERIAL, NAME = bytes.fromhex("1290099887"), b"NOM-DU-PORTEUR PRENOM-DU-PORTEUR"

Kind = TypeVar("Kind", bound=Event)


@pytest.fixture(scope="module")
def pcsc_lock() -> Iterator[None]:
    with the_only_pcscd():
        yield


@pytest.fixture
def two_readers(pcsc_lock: None) -> Iterator[None]:
    with pcscd():
        yield


@contextmanager
def inserted(
    atr: bytes, slot: int = 0, answers: Mapping[bytes, bytes] | Callable[[bytes], bytes] | None = None
) -> Iterator[VirtualCard]:
    card = VirtualCard(atr, PORTS[slot], answers)
    try:
        yield card
    finally:
        card.eject()


@pytest.fixture
def watch(two_readers: None) -> Iterator[Event | None]:
    """A watch that has seen both readers and, once the cards of other tests have gone, no card."""
    events = Watch(cast(WatchedScard, Host().pcsc())).events()
    for _ in PORTS:
        until(events, ReaderAdded)
    wait_for_calm(events)
    return events


def until(events: Iterator[Event | None], kind: type[Kind], seconds: float = 60) -> Kind:
    deadline = time.monotonic() + seconds
    for event in events:
        if isinstance(event, kind):
            return event
        assert time.monotonic() < deadline, f"no {kind.__name__} in time"
    raise AssertionError


def wait_for_calm(events: Iterator[Event | None]) -> None:
    quiet = 0
    while quiet < 4:
        quiet = 0 if next(events) else quiet + 1


@needs_pcscd
def test_a_card_is_told_when_it_comes_and_when_it_goes_and_is_sent_nothing(watch: Iterator[Event | None]) -> None:
    with inserted(CPS3) as card:
        assert until(watch, CardInserted) == CardInserted("Virtual PCD 00 00", CPS3, held=False)
    assert until(watch, CardRemoved) == CardRemoved("Virtual PCD 00 00")
    assert (card.apdus, card.resets) == ([], 0)


@needs_pcscd
def test_two_cards_are_told_apart(watch: Iterator[Event | None]) -> None:
    with inserted(CPS4) as first, inserted(VITALE, slot=1) as second:
        seen = {event.reader: event.atr for event in (until(watch, CardInserted), until(watch, CardInserted))}
    assert seen == {"Virtual PCD 00 00": CPS4, "Virtual PCD 00 01": VITALE}
    assert first.apdus == second.apdus == []


@needs_pcscd
def test_a_card_that_another_program_holds_is_named_and_its_issuer_left_alone(watch: Iterator[Event | None]) -> None:
    with inserted(CPS3, answers=OF_THE_ANS) as card:
        until(watch, CardInserted)
        with held_by_another_program():
            again = Watch(cast(WatchedScard, Host().pcsc())).events()
            assert until(again, CardInserted) == CardInserted("Virtual PCD 00 00", CPS3, held=True)
            assert ask_issuer(cast(ConnectedScard, Host().pcsc()), "Virtual PCD 00 00") is Issuer.HELD
    assert card.apdus == []


@needs_pcscd
@pytest.mark.parametrize(
    ("answers", "issuer", "sent"),
    [
        (OF_THE_ANS, Issuer.ANS, [SELECT, READ]),
        ({SELECT: b"\x90\x00", READ: bytes(7) + b"\x90\x00"}, Issuer.OTHER, [SELECT, READ]),
        ({}, Issuer.SILENT, [SELECT]),
        ({SELECT: b"\x90\x00", READ: b"\x69\x85"}, Issuer.SILENT, [SELECT, READ]),
        ({SELECT: b"garbage"}, Issuer.SILENT, [SELECT]),
        ({SELECT: b"\x90\x00", READ: b"\x00\xff" * 30}, Issuer.SILENT, [SELECT, READ]),
    ],
    ids=["ANS", "another", "no such file", "refused", "garbage", "much garbage"],
)
def test_a_card_is_asked_for_seven_bytes_and_nothing_else(
    answers: dict[bytes, bytes], issuer: Issuer, sent: list[bytes], watch: Iterator[Event | None]
) -> None:
    with inserted(CPS3, answers=answers) as card:
        until(watch, CardInserted)
        assert ask_issuer(cast(ConnectedScard, Host().pcsc()), "Virtual PCD 00 00") is issuer
    assert card.apdus == sent
    until(watch, CardRemoved)


@contextmanager
def counting(state: Path, *options: str, answers: str = "") -> Iterator[subprocess.Popen[str]]:
    """The command at work, with what a person answers; its streams go to files beside the state directory."""
    command = [sys.executable, "-m", "prerequis_agent", "--state", str(state), "cards", *options]
    keyboard = state.parent / "keyboard"
    keyboard.write_text(answers)
    with keyboard.open() as typed, (state.parent / "out").open("w") as out, (state.parent / "err").open("w") as err:
        process = subprocess.Popen(command, stdin=typed, stdout=out, stderr=err, text=True)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def told(folder: Path) -> str:
    return (folder / "out").read_text() + (folder / "err").read_text()


def wait_until_told(folder: Path, sentence: str, times: int = 1, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while told(folder).count(sentence) < times:
        assert time.monotonic() < deadline, f"never told: {sentence}\n{told(folder)}"
        time.sleep(0.1)


def end(process: subprocess.Popen[str]) -> int:
    process.send_signal(signal.SIGINT)
    return process.wait(60)


@needs_pcscd
def test_a_drawer_of_cards_is_counted_and_nothing_personal_is_left(two_readers: None, tmp_path: Path) -> None:
    state = tmp_path / "state"
    # What a real card would tell to who asks for more; a faulty one that gives its number unasked.
    talkative = OF_THE_ANS | {READ: OF_THE_ANS[READ][:7] + SERIAL + NAME + b"\x90\x00"}
    with counting(state, "--json", "--confirm") as process:
        wait_until_told(tmp_path, "Lecteur :", times=2)
        for number, (atr, sentence) in enumerate(
            [
                (CPS4, "Carte CPx, génération CPS4. Émise par l'ANS"),
                (CPS4, "Carte CPx, génération CPS4. Émise par l'ANS"),
                (VITALE, "Ceci est une carte Vitale, insérez votre carte CPS/CPE."),
                (CPS3, "Carte CPx, génération CPS3."),
            ]
        ):
            with inserted(atr, answers=talkative) as card:
                wait_until_told(tmp_path, f"{number + 1} carte")
            wait_until_told(tmp_path, "Carte retirée", times=number + 1)
            assert sentence in told(tmp_path)
            assert (card.apdus == []) == (atr == VITALE)
        assert end(process) == ExitCode.DONE
    found = json.loads((tmp_path / "out").read_text())
    assert found["cards"] == [
        {"kind": "cps3", "name": "CPx, génération CPS3", "count": 1},
        {"kind": "cps4", "name": "CPx, génération CPS4", "count": 2},
        {"kind": "vitale", "name": "carte Vitale", "count": 1},
    ]
    assert (found["total"], found["confirmed"], found["interruptions"]) == (4, 3, 0)
    left = told(tmp_path).encode() + b"".join(path.read_bytes() for path in state.rglob("*") if path.is_file())
    for secret in (SERIAL, SERIAL.hex().encode(), SERIAL.hex().upper().encode(), NAME, b"NOM-DU-PORTEUR"):
        assert secret not in left
    assert not state.exists()


@needs_pcscd
def test_without_confirmation_no_card_is_sent_anything(two_readers: None, tmp_path: Path) -> None:
    with counting(tmp_path / "state") as process:
        wait_until_told(tmp_path, "Lecteur :", times=2)
        with inserted(CPS3, answers=OF_THE_ANS) as first, inserted(VITALE, slot=1) as second:
            wait_until_told(tmp_path, "2 cartes : 1 × CPx, génération CPS3, 1 × carte Vitale")
        assert end(process) == ExitCode.DONE
    assert (first.apdus, second.apdus, first.resets, second.resets) == ([], [], 0, 0)
    assert told(tmp_path).endswith("Bilan : 2 cartes : 1 × CPx, génération CPS3, 1 × carte Vitale.\n")


@needs_pcscd
def test_a_service_that_is_killed_and_comes_back_is_told_and_the_count_goes_on(pcsc_lock: None, tmp_path: Path) -> None:
    with counting(tmp_path / "state", "--json") as process:
        wait_until_told(tmp_path, "ne répond pas")
        with pcscd() as service:
            wait_until_told(tmp_path, "Lecteur :", times=2)
            with inserted(CPS3):
                wait_until_told(tmp_path, "1 carte")
                service.kill()
                wait_until_told(tmp_path, "ne répond pas", times=2)
        # A killed service leaves its files; the next one clears them.
        with pcscd():
            wait_until_told(tmp_path, "Lecteur :", times=4)
            with inserted(CPS4):
                wait_until_told(tmp_path, "2 cartes")
            assert end(process) == ExitCode.DONE
    found = json.loads((tmp_path / "out").read_text())
    assert (found["total"], found["interruptions"]) == (2, 2)


def test_the_count_ends_by_itself_after_some_seconds(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "prerequis_agent", "--state", str(tmp_path), "cards", "--json", "--seconds", "0.1"],
        capture_output=True, text=True, timeout=120, check=False, env={**os.environ},
    )  # fmt: skip
    if "pyscard" in done.stderr:
        pytest.skip("pyscard is not installed")
    assert done.returncode == ExitCode.DONE
    assert json.loads(done.stdout)["total"] == 0


# What no virtual reader can do, with a PC/SC that follows a script.


class Story(ScriptedPcsc):
    """PC/SC whose readers give one state after another: (state, ATR), or the number of an error."""

    SCARD_E_TIMEOUT = 0x8010000A
    SCARD_E_UNKNOWN_READER = 0x80100009
    SCARD_STATE_EXCLUSIVE = 0x80

    def __init__(self, turns: Sequence[dict[str, tuple[int, bytes]] | int]) -> None:
        super().__init__({})
        self._turns = list(turns)
        self._now: dict[str, tuple[int, bytes]] = {}
        self._error = 0

    def turn(self) -> None:
        turn = self._turns.pop(0) if self._turns else 0x8010000A
        self._error = turn if isinstance(turn, int) else 0
        self._now = self._now if isinstance(turn, int) else turn

    def SCardListReaders(self, context: int, groups: Sequence[str]) -> tuple[int, list[str]]:
        self.turn()
        return (0, list(self._now)) if self._now else (self.SCARD_E_NO_READERS_AVAILABLE, [])

    def SCardGetStatusChange(
        self, context: int, timeout: int, states: Sequence[tuple[str, int]]
    ) -> tuple[int, list[tuple[str, int, list[int]]]]:
        assert 0 < timeout <= 1000
        if self._error:
            return self._error, []
        return 0, [(name, state, list(atr)) for name, (state, atr) in self._now.items()]


def story(*turns: dict[str, tuple[int, bytes]] | int) -> list[Event]:
    events = Watch(cast(WatchedScard, Story(turns))).events()
    return [event for event in (next(events) for _ in range(4 * len(turns) + 4)) if event]


PRESENT, EMPTY, MUTE, HELD = 0x20, 0x10, 0x200, 0x80


def test_a_card_without_an_answer_yet_is_waited_for_and_a_mute_one_is_told() -> None:
    seen = story(
        {"A": (PRESENT, b"")}, {"A": (PRESENT, CPS3)}, {"A": (0x10000 | EMPTY, b"")}, {"A": (PRESENT | MUTE, b"")}
    )
    inserted = [event for event in seen if isinstance(event, CardInserted)]
    assert [(event.atr, event.is_mute) for event in inserted] == [(CPS3, False), (b"", True)]


def test_a_card_that_was_swapped_between_two_looks_is_another_one() -> None:
    seen = story({"A": (0x10000 | PRESENT, CPS3)}, {"A": (0x30000 | PRESENT, CPS3)})
    assert seen[2:] == [CardInserted("A", CPS3, held=False), CardRemoved("A"), CardInserted("A", CPS3, held=False)]


def test_a_change_of_who_holds_a_card_is_no_other_card() -> None:
    seen = story({"A": (0x10000 | PRESENT, CPS3)}, {"A": (0x10000 | PRESENT | HELD, CPS3)})
    assert sum(isinstance(event, CardInserted) for event in seen) == 1


def test_a_reader_that_is_unplugged_takes_its_card_along() -> None:
    assert story({"A": (PRESENT, CPS3)}, 0x80100009, {})[2:] == [
        CardInserted("A", CPS3, held=False),
        CardRemoved("A"),
        ReaderRemoved("A"),
    ]


def test_the_card_of_before_an_interruption_is_not_another_one() -> None:
    seen = story(
        {"A": (PRESENT, CPS3), "B": (PRESENT, CPS4)}, 0x8010001D, {"A": (PRESENT, CPS3), "B": (PRESENT, VITALE)}
    )
    assert sum(isinstance(event, ServiceLost) for event in seen) == 1
    assert sum(isinstance(event, ServiceFound) for event in seen) == 2
    after = [event for event in seen if isinstance(event, CardInserted)][2:]
    assert [(event.reader, event.resumed) for event in after] == [("A", True), ("B", False)]


def test_a_card_counts_once_for_each_insertion_and_no_two_runs_share_a_digest() -> None:
    census, other = Census(), Census()
    for one in (census, other):
        one.inserted("A")
        assert one.add("A", CPS3, "cps3", "CPS3") is True
        assert one.add("A", CPS3, "cps3", "CPS3") is False
    census.inserted("A")
    assert census.add("A", CPS3, "cps3", "CPS3") is True
    assert (census.total, other.total) == (2, 1)
    assert census._seen.isdisjoint(other._seen)
    assert all(CPS3 not in digest and len(digest) == 32 for digest in census._seen)


@pytest.mark.parametrize(
    ("atr", "words"),
    [
        (CPS4.hex(), "CPS4"),
        (VITALE.hex(), "Ceci est une carte Vitale, insérez votre carte CPS/CPE"),
        ("3BAC00402A001225006480820212009000", "renouveler"),
        ("3B9B188001001225006480050100009044", "CPx probable, ATR inconnu"),
        ("3B888001E1F35E117781C72045", "Ceci est un passeport"),
        ("3B6500002063CB6800", "carte bancaire"),
        ("3B751300009C02020102", "n'est pas une CPx"),
    ],
)
def test_a_card_is_named_with_what_to_do(atr: str, words: str) -> None:
    assert words in name_of(bytes.fromhex(atr)).advice


@given(st.binary(max_size=40))
def test_any_bytes_are_a_card_with_something_to_do(atr: bytes) -> None:
    named = name_of(atr)
    assert named.kind and named.advice.endswith(".")


@given(st.binary(max_size=300), st.sampled_from([0x9000, 0x6985, 0]))
def test_any_answer_says_who_issued_the_card_or_nothing(answer: bytes, status: int) -> None:
    says_so = status == 0x9000 and answer.startswith(bytes.fromhex("5A0A8025000001"))
    assert (parse_issuer(answer, status) is Issuer.ANS) == says_so
