"""Machines that stand in fixture files, and what each probe must say of them."""

import base64
import contextlib
import gzip
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from tests.agent.probes.stories import HOSTS, WHOLE, stories, told
from tests.agent.probes.windows_fixture import FixtureWindows

from prerequis_agent.clock import Clock
from prerequis_agent.errors import NotPermitted, ProbeError, Unsupported
from prerequis_agent.host import CommandResult, Host, Volume
from prerequis_agent.pcsc import Scard
from prerequis_agent.probe import Probe


class ScriptedPcsc:
    """PC/SC as a fixture tells it; the numbers are those of winscard.h. What could reach a card is not there at all."""

    SCARD_SCOPE_USER = 0
    SCARD_SCOPE_SYSTEM = 2
    SCARD_S_SUCCESS = 0
    SCARD_E_NO_SERVICE = 0x8010001D
    SCARD_E_SERVICE_STOPPED = 0x8010001E
    SCARD_E_NO_READERS_AVAILABLE = 0x8010002E
    SCARD_E_INVALID_HANDLE = 0x80100003
    SCARD_F_COMM_ERROR = 0x80100013
    SCARD_W_SECURITY_VIOLATION = 0x8010006A
    SCARD_STATE_UNAWARE = 0
    SCARD_STATE_PRESENT = 0x20
    SCARD_STATE_EMPTY = 0x10
    SCARD_STATE_MUTE = 0x200
    SCARD_STATE_UNAVAILABLE = 0x8
    SCARD_STATE_EXCLUSIVE = 0x80

    def __init__(self, story: Mapping[str, Any]) -> None:
        self.slots = {slot["name"]: (slot["state"], bytes.fromhex(slot["atr"])) for slot in story.get("slots", [])}
        codes = {"stopped": self.SCARD_E_NO_SERVICE, "refused": self.SCARD_W_SECURITY_VIOLATION}
        self.establish = codes.get(story.get("service", ""), story.get("code", self.SCARD_S_SUCCESS))
        self.open_contexts = 0

    def SCardEstablishContext(self, scope: int) -> tuple[int, int]:
        self.open_contexts += self.establish == self.SCARD_S_SUCCESS
        return self.establish, 7

    def SCardListReaders(self, context: int, groups: Sequence[str]) -> tuple[int, list[str]]:
        return (self.SCARD_S_SUCCESS, list(self.slots)) if self.slots else (self.SCARD_E_NO_READERS_AVAILABLE, [])

    def SCardGetStatusChange(
        self, context: int, timeout: int, states: Sequence[tuple[str, int]]
    ) -> tuple[int, list[tuple[str, int, list[int]]]]:
        assert timeout == 0
        return self.SCARD_S_SUCCESS, [(name, self.slots[name][0], list(self.slots[name][1])) for name, _ in states]

    def SCardReleaseContext(self, context: int) -> int:
        self.open_contexts -= 1
        return self.SCARD_S_SUCCESS

    def SCardGetErrorMessage(self, result: int) -> str:
        return hex(result)


class FixtureHost(Host):
    """A machine laid out below a temporary root."""

    def __init__(self, root: Path, story: Mapping[str, Any], name: str, *, laid_out: bool = False) -> None:
        self._story = story
        self.windows = FixtureWindows(story)
        super().__init__(
            root,
            story.get("platform", "linux"),
            answers={line: _answer(spec) for line, spec in story.get("answers", {}).items()},
            windows=self.windows,
        )
        self.name = name
        self.secrets: list[str] = story["secrets"]
        self.scripted_pcsc = ScriptedPcsc(story["pcsc"]) if "pcsc" in story else None
        self._volume = story.get("volume")
        self._clock = story.get("clock")
        self.asked: set[str] = set()
        self.programs: set[str] = set()
        self._refused = frozenset(story.get("refused", []))
        if not laid_out:
            self._lay_out(story)

    def anew(self) -> "FixtureHost":
        """Return the same machine as a probe finds it that nothing was asked before."""
        return FixtureHost(self.root, self._story, self.name, laid_out=True)

    def _lay_out(self, story: Mapping[str, Any]) -> None:
        contents = {path: text.encode() for path, text in story.get("files", {}).items()}
        contents |= {path: base64.b64decode(text) for path, text in story.get("base64", {}).items()}
        contents |= {path: gzip.compress(text.encode()) for path, text in story.get("gzip", {}).items()}
        for path in story.get("directories", []):
            super().path(path).mkdir(parents=True, exist_ok=True)
        for path, content in contents.items():
            place = super().path(path)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        for path, target in story.get("links", {}).items():
            place = super().path(path)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(target)
        moments: dict[str, datetime] = story.get("modified", {})
        for path, moment in moments.items():
            os.utime(super().path(path), (moment.timestamp(), moment.timestamp()))

    def path(self, path: str) -> Path:
        self.asked.add(path)
        if path in self._refused:
            raise NotPermitted(f"Le compte de l'agent n'a pas le droit de lire {path}.")
        return super().path(path)

    def run(self, *argv: str, timeout: float = 5.0, may_be_silent: bool = False) -> CommandResult:
        self.programs.add(argv[0])
        return super().run(*argv, timeout=timeout, may_be_silent=may_be_silent)

    def run_in_pieces(self, *argv: str) -> Iterator[bytes]:
        self.programs.add(argv[0])
        return super().run_in_pieces(*argv)

    def volume(self, path: str) -> Volume:
        return Volume(**self._volume) if self._volume else super().volume(path)

    def clock(self) -> Clock:
        return Clock(**self._clock) if self._clock else super().clock()

    def pcsc(self) -> Scard:
        if self.scripted_pcsc is None:
            raise Unsupported("La bibliothèque smartcard.scard manque.")
        return self.scripted_pcsc

    def observe(self, probe: Probe) -> dict[str, Any]:
        """Return what a probe says, in the form of the golden files."""
        try:
            seen = probe.observe(self)
        except ProbeError as problem:
            return {"error": type(problem).__name__, "detail": str(problem)}
        return {"facts": MessageToDict(seen.facts), "detail": seen.detail}


def _answer(spec: Mapping[str, Any]) -> CommandResult:
    stdout = (HOSTS / spec["file"]).read_text() if "file" in spec else spec.get("stdout", "")
    return CommandResult(spec.get("status", 0), stdout, spec.get("stderr", ""))


@contextlib.contextmanager
def in_paris() -> Iterator[None]:
    """Live in the time zone of the machines, whose logs are in local time; those of Windows tell universal time."""
    if sys.platform == "win32":
        yield
        return
    before = os.environ.get("TZ")
    os.environ["TZ"] = "CET-1CEST,M3.5.0,M10.5.0/3"
    time.tzset()
    yield
    os.environ.pop("TZ")
    if before is not None:
        os.environ["TZ"] = before
    time.tzset()


@pytest.fixture(scope="session")
def paris_time() -> Iterator[None]:
    with in_paris():
        yield


# Paths and links of another system's tree would not fit on Windows.
STORIES = stories("win32" if sys.platform == "win32" else None)


def fixture_machine(name: str, root: Path) -> FixtureHost:
    """Return the machine that `<name>.toml` tells, laid out below an empty directory."""
    return FixtureHost(root, told(name), name)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test every machine; one that compares with golden facts, those whose golden files speak of its probe."""
    if "fixture_host" not in metafunc.fixturenames:
        return
    stories = STORIES
    if "check" in metafunc.fixturenames:
        module = vars(metafunc.module)
        names = {probe.name for probe in module.get("PROBES", [module["PROBE"]] if "PROBE" in module else [])}
        # Every probe looks at the whole machines in test_whole_hosts.
        stories = [name for name in STORIES if not name.startswith(WHOLE) and names & set(golden_of(name))]
        assert stories, f"no golden file speaks of {names}"
    metafunc.parametrize("fixture_host", stories, indirect=True)


def golden_of(name: str) -> dict[str, Any]:
    """Return what the probes must say of a machine, by their names."""
    golden: dict[str, Any] = json.loads((HOSTS / f"{name}.json").read_text(encoding="utf-8"))
    return golden


@pytest.fixture
def fixture_host(request: pytest.FixtureRequest, tmp_path: Path, paris_time: None) -> FixtureHost:
    return fixture_machine(request.param, tmp_path)


@pytest.fixture
def check(fixture_host: FixtureHost) -> Callable[[Probe], None]:
    """Compare what a probe says of each machine with that machine's golden file, where that file speaks of it."""

    def compare(probe: Probe) -> None:
        golden = golden_of(fixture_host.name)
        if probe.name in golden:
            assert fixture_host.observe(probe) == golden[probe.name]

    return compare
