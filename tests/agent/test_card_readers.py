"""The readers that are plugged in and that PC/SC does not show, told to the technician with what to do."""

import io
from pathlib import Path

import pytest
from tests.agent.probes.conftest import FixtureHost, fixture_machine

from prerequis_agent.card_readers import Look, look
from prerequis_agent.card_table import Asked, Table

_READER = {"ClassGuid": "{50dd5230-ba8a-11d1-bf5d-0000f805f530}", "PNPDeviceID": "USB\\VID_08E6&PID_3437\\SN0001234"}


def windows(root: Path, code: int, start: int = 3, remote: bool = False) -> FixtureHost:
    story = {
        "platform": "win32",
        "secrets": [],
        "registry": {r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall\X": {"DisplayName": "X"}},
        "cim": {"root/cimv2:Win32_PnPEntity": [_READER | {"ConfigManagerErrorCode": code}]},
        "win32": {"service": {"SCardSvr": {"state": 4 if start == 3 else 1, "start": start}}, "remote_session": remote},
        "pcsc": {} if start == 3 else {"service": "stopped"},
    }
    return FixtureHost(root, story, "windows")


@pytest.mark.parametrize(
    ("code", "start", "remote", "told"),
    [
        (28, 3, False, "(aucun pilote). Installer « Usbccid »"),
        (22, 3, False, "(désactivé dans le gestionnaire de périphériques). L'y réactiver."),
        (0, 4, False, "(service désactivé). Remettre le service"),
        (0, 3, True, "(session à distance). Lancer l'agent dans une session ouverte au poste"),
        (0, 3, False, "(cause inconnue). Rebrancher le lecteur"),
    ],
)
def test_windows_says_why_a_reader_does_not_show(
    code: int, start: int, remote: bool, told: str, tmp_path: Path
) -> None:
    (sentence,) = look(windows(tmp_path, code, start, remote)).unseen
    assert sentence.startswith("Lecteur branché mais pas vu par PC/SC : Thales IDBridge CT30 (PC Twin, K50) ")
    assert told in sentence
    assert "SN0001234" not in sentence


def test_linux_says_which_of_the_kernels_drivers_keeps_a_reader(tmp_path: Path) -> None:
    (sentence,) = look(fixture_machine("tablet-debian-4g", tmp_path)).unseen
    assert "ACS ACR122U (NFC) (pris par le noyau (pilote pn533_usb))" in sentence
    assert "blacklist pn533_usb" in sentence


def test_a_machine_whose_readers_all_show_has_nothing_to_tell(tmp_path: Path) -> None:
    assert look(fixture_machine("laptop-ubuntu-24.04", tmp_path)) == Look(())


def test_a_machine_that_shows_nothing_says_why_once(tmp_path: Path) -> None:
    seen = look(FixtureHost(tmp_path, {"secrets": []}, "blind"))
    assert seen.unseen == ()
    assert seen.problem.endswith(".")


def test_a_reader_is_told_when_it_comes_and_not_at_every_look() -> None:
    screen = io.StringIO()
    table = Table(screen, Asked())
    for seen in (Look(("A.",)), Look(("A.",)), Look(()), Look(("A.", "B."))):
        table.show_unseen(seen)
    assert screen.getvalue() == "A.\nA.\nB.\n"
    assert '"unseenReaders": [\n    "A.",\n    "B."\n  ]' in table.document()
