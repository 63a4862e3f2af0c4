"""A drawer of cards by type, with a real PC/SC service and cards that hold names and numbers: none is left anywhere."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.agent.card_files import NAMES, SERIAL, CardFiles, certificate
from tests.agent.pcscd import needs_pcscd, pcscd, the_only_pcscd
from tests.agent.test_card_type import NOMINATIVE, OF_TESTS, OF_THE_STRUCTURE, READING, WITHOUT_TYPE
from tests.agent.test_cards import CPS3, CPS4, VITALE, counting, end, inserted, told, wait_until_told

from prerequis.command_line import ExitCode

FORMS = [form for name in NAMES for form in (name.encode(), name.encode("utf-16-le"), name.encode().hex().encode())]
FORMS += [SERIAL, SERIAL.hex().encode(), SERIAL.hex().upper().encode(), b"EMPLOYE"]


@pytest.fixture(scope="module")
def two_readers() -> Iterator[None]:
    with the_only_pcscd(), pcscd():
        yield


@needs_pcscd
def test_a_drawer_is_counted_by_type_each_card_once_and_nobody_is_named(two_readers: None, tmp_path: Path) -> None:
    drawer = [
        (CPS3, CardFiles(NOMINATIVE), "Type CPS, certificat jusqu'en 05/2029."),
        (CPS4, CardFiles.cps4(OF_THE_STRUCTURE), "pas nominative"),
        (CPS3, CardFiles(NOMINATIVE), "déjà comptée"),
        (CPS4, CardFiles.cps4(OF_TESTS), "Il est échu : la faire renouveler. Carte de test"),
        (CPS4, CardFiles(), "Type non lu"),
        (VITALE, CardFiles(NOMINATIVE), "Ceci est une carte Vitale"),
    ]
    state = tmp_path / "state"
    with counting(state, "--json", "--type") as process:
        wait_until_told(tmp_path, "Lecteur :", times=2)
        for number, (atr, files, sentence) in enumerate(drawer, start=1):
            with inserted(atr, answers=files) as card:
                wait_until_told(tmp_path, sentence)
            wait_until_told(tmp_path, "Carte retirée", times=number)
            assert {apdu[1] for apdu in card.apdus} <= READING
            assert bool(card.apdus) == (atr != VITALE)
        assert end(process) == ExitCode.DONE
    found = json.loads((tmp_path / "out").read_text())
    assert found["total"] == 5
    assert found["types"] == [
        {"type": "CDE ou CPE", "ends": "2029-05", "nominative": False, "test": False, "count": 1},
        {"type": "CPF", "ends": "2020-06", "nominative": True, "test": True, "count": 1},
        {"type": "CPS", "ends": "2029-05", "nominative": True, "test": False, "count": 1},
    ]
    assert "aussitôt oublié" in told(tmp_path)
    left = told(tmp_path).encode() + b"".join(path.read_bytes() for path in state.rglob("*") if path.is_file())
    assert [form for form in FORMS if form in left] == []


@needs_pcscd
def test_a_person_tells_the_type_that_the_card_does_not(two_readers: None, tmp_path: Path) -> None:
    with counting(tmp_path / "state", "--json", "--type", "--declare", answers="4\nx\n2\n\n") as process:
        wait_until_told(tmp_path, "Lecteur :", times=2)
        for number, (files, sentence) in enumerate(
            [
                (CardFiles(), "1 carte"),  # 4: CPE
                (CardFiles(OF_THE_STRUCTURE), "2 cartes"),  # CDE or CPE; x is none, 2 is CPE
                (CardFiles(certificate()), "3 cartes"),  # CPS, not asked
                (CardFiles(WITHOUT_TYPE), "4 cartes"),  # nobody knows
            ],
            start=1,
        ):
            with inserted(CPS3, answers=files):
                wait_until_told(tmp_path, sentence)
            wait_until_told(tmp_path, "Carte retirée", times=number)
        assert end(process) == ExitCode.DONE
    found = json.loads((tmp_path / "out").read_text())
    assert [(row["type"], row["ends"], row["count"]) for row in found["types"]] == [
        ("CPE", None, 1),
        ("CPE", "2029-05", 1),
        ("CPS", "2029-05", 1),
    ]
    assert "[1] CDE  [2] CPE  [Entrée]" in told(tmp_path)
    assert "Ce n'est pas l'un des choix." in told(tmp_path)


@needs_pcscd
@pytest.mark.parametrize("answer", ["non\n", "\n"])
def test_a_person_who_does_not_agree_has_no_card_read(two_readers: None, answer: str, tmp_path: Path) -> None:
    person, terminal = os.openpty()
    try:
        os.write(person, answer.encode())
        command = [sys.executable, "-m", "prerequis_agent", "--state", str(tmp_path), "cards", "--type"]
        with inserted(CPS3, answers=CardFiles(NOMINATIVE)) as card:
            done = subprocess.run(
                command, stdin=terminal, capture_output=True, text=True, timeout=120, check=False, cwd=Path.cwd()
            )
        assert done.returncode == ExitCode.REFUSED
        assert done.stdout.endswith("Continuer ? (oui/non) ")
        assert card.apdus == []
    finally:
        os.close(person)
        os.close(terminal)
