"""Programs of Windows, run for real; those of Wine that do nothing and succeed are the trap."""

import sys

assert sys.platform == "win32"

import time
from pathlib import Path

import pytest

from prerequis_agent import host as module
from prerequis_agent.errors import TimedOut, Unsupported
from prerequis_agent.host import Host


@pytest.fixture(autouse=True)
def _allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    system = Path(module.DIRECTORIES[0])
    folders = (system, system / "WindowsPowerShell" / "v1.0", Path(sys.executable).parent)
    monkeypatch.setattr(module, "DIRECTORIES", tuple(str(folder) for folder in folders))
    monkeypatch.setattr(module, "PROGRAMS", frozenset({"powershell", "netsh", "schtasks", "python", "cmd"}))


@pytest.mark.parametrize(
    "argv",
    [
        ("powershell", "-NoProfile", "-Command", "Get-BitLockerVolume | ConvertTo-Json"),
        ("netsh", "advfirewall", "show", "allprofiles"),
        ("schtasks", "/query"),
    ],
    ids=lambda argv: argv[0],
)
def test_success_without_a_word_is_not_verifiable(argv: tuple[str, ...]) -> None:
    assert Host().run(*argv, may_be_silent=True).status == 0
    with pytest.raises(Unsupported, match="n'est vérifiable"):
        Host().run(*argv)


def test_a_program_says_how_it_ended_and_nothing_of_the_caller_reaches_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x")
    code = "import os, sys; print(sorted(set(os.environ) & {'SECRET', 'SYSTEMROOT'})); sys.exit(3)"
    result = Host().run("python", "-c", code, timeout=100)
    assert (result.status, result.stdout.strip()) == (3, "['SYSTEMROOT']")


def test_a_program_that_hangs_is_ended() -> None:
    started = time.perf_counter()
    with pytest.raises(TimedOut, match="python"):
        Host().run("python", "-c", "import time; time.sleep(60)", timeout=2)
    assert time.perf_counter() - started < 45


def test_output_in_code_page_850_is_read_without_failing() -> None:
    code = "import sys; sys.stdout.buffer.write('Bloqué : été'.encode('cp850'))"
    assert Host().run("python", "-c", code, timeout=100).stdout.startswith("Bloqu")


def test_a_program_outside_the_list_is_never_started() -> None:
    with pytest.raises(ValueError, match="regedit"):
        Host().run("regedit")
