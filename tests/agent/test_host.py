"""The door to the machine: what it lets through, and how it says no."""

import os
import socket
import sys
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from tests.agent.endless import LONG_BEFORE_IT_WOULD_END, ends

from prerequis_agent import host as module
from prerequis_agent.errors import NotPermitted, ProbeError, TimedOut, Unreadable, Unsupported
from prerequis_agent.execution import MOST_BYTES
from prerequis_agent.host import CommandResult, Host
from prerequis_agent.runner import discover

needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="a script with #!; windows/test_programs.py")
as_user = pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may read everything")


@pytest.fixture
def fixture_root(tmp_path: Path) -> Path:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "hostname").write_text("poste-12\n")
    (tmp_path / "etc" / "link").symlink_to("hostname")
    return tmp_path


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory whose programs the agent may run under the name nft."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setattr(module, "DIRECTORIES", (str(folder),))
    return folder


def program(folder: Path, body: str) -> None:
    path = folder / "nft"
    path.write_text(f"#!{sys.executable}\n{body}")
    path.chmod(0o755)


def test_files_are_read_below_the_root(fixture_root: Path) -> None:
    host = Host(fixture_root)
    assert host.read_text("/etc/hostname") == "poste-12\n"
    assert host.list_dir("/etc") == ["hostname", "link"]
    assert host.read_link("/etc/link") == "hostname"
    assert host.exists("/etc/link")
    assert host.modified_at("/etc/hostname") is not None


def test_what_is_absent_is_none_and_not_an_error(fixture_root: Path) -> None:
    host = Host(fixture_root)
    assert host.read_bytes("/etc/none") is None
    assert host.read_bytes("/etc/hostname/none") is None
    assert host.list_dir("/none") == []
    assert host.read_link("/none") is None
    assert host.read_link("/etc/hostname") is None
    assert host.modified_at("/none") is None
    assert not host.exists("/none")


def test_undecodable_text_is_still_text(fixture_root: Path) -> None:
    (fixture_root / "etc" / "hostname").write_bytes(b"caf\xe9")
    assert Host(fixture_root).read_text("/etc/hostname") == "caf�"


def test_a_directory_read_as_a_file_is_unreadable(fixture_root: Path) -> None:
    with pytest.raises(Unreadable, match="/etc ne se laisse pas lire"):
        Host(fixture_root).read_bytes("/etc")


def test_a_file_without_end_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="trop long"):
        Host().read_bytes("/dev/zero")


@as_user
def test_a_forbidden_file_is_not_permitted(fixture_root: Path) -> None:
    (fixture_root / "etc" / "hostname").chmod(0)
    with pytest.raises(NotPermitted, match="/etc/hostname"):
        Host(fixture_root).read_bytes("/etc/hostname")


def test_below_a_root_of_fixtures_nothing_asks_the_live_machine(fixture_root: Path) -> None:
    host = Host(fixture_root, answers={"nft list ruleset": CommandResult(0, "table", "")})
    assert host.run("nft", "list", "ruleset").stdout == "table"
    for ask in (
        lambda: host.run("nft", "list", "tables"),
        host.psutil,
        host.pcsc,
        lambda: host.volume("/"),
        lambda: host.resolve("localhost", 80, 1),
        lambda: host.connect(["127.0.0.1"], 80, 1),
    ):
        with pytest.raises(Unsupported):
            ask()


def test_a_program_outside_the_list_is_never_run() -> None:
    with pytest.raises(ValueError, match="rm is not in the list"):
        Host().run("rm", "-rf", "/nowhere")


def test_the_agent_may_run_what_its_probes_declare_and_nothing_else() -> None:
    assert {command for probe in discover() for command in probe.commands} == module.PROGRAMS


def test_an_absent_program_is_unsupported(programs: Path) -> None:
    with pytest.raises(Unsupported, match="nft n'est pas installé"):
        Host().run("nft")


def test_a_program_that_succeeds_and_says_nothing_proves_nothing(programs: Path) -> None:
    program(programs, "print(' ')")
    with pytest.raises(Unsupported, match="vérifiable"):
        Host().run("nft")
    assert Host().run("nft", may_be_silent=True).status == 0


def test_a_program_answers_in_its_own_environment(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "word")
    monkeypatch.setenv("LC_ALL", "fr_FR.UTF-8")
    program(
        programs, "import os, sys; print(sorted(os.environ.items())); print(sys.argv[1:], file=sys.stderr); sys.exit(3)"
    )
    result = Host().run("nft", "list", "$HOME; ls")
    assert result.status == 3
    assert "SECRET" not in result.stdout
    assert "('LC_ALL', 'C.UTF-8')" in result.stdout
    assert result.stderr == "['list', '$HOME; ls']\n"


def test_the_callers_path_chooses_no_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "print('impostor')")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(module, "DIRECTORIES", ("/nowhere",))
    with pytest.raises(Unsupported):
        Host().run("nft")


@needs_posix
def test_a_program_that_hangs_is_killed_with_its_children(programs: Path, tmp_path: Path) -> None:
    child = tmp_path / "child"
    # A shell starts long before the second is over, on a busy machine too.
    (programs / "nft").write_text(f"#!/bin/sh\nsleep 60 &\necho $! > {child}\nsleep 60\n")
    (programs / "nft").chmod(0o755)
    started = time.monotonic()
    with pytest.raises(TimedOut, match="nft n'a pas répondu en 1 s"):
        Host().run("nft", timeout=1)
    assert time.monotonic() - started < LONG_BEFORE_IT_WOULD_END
    assert ends(int(child.read_text()))


def test_a_program_that_never_stops_talking_is_stopped(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 100_000)
    program(programs, "import sys\nwhile True: sys.stdout.write('x' * 10_000)")
    with pytest.raises(Unreadable, match="trop long"):
        Host().run("nft", timeout=60)


def test_a_file_that_is_no_program_is_unreadable(programs: Path) -> None:
    (programs / "nft").write_bytes(b"\x7fELF nonsense")
    (programs / "nft").chmod(0o755)
    with pytest.raises(Unreadable, match="ne démarre pas"):
        Host().run("nft")


def test_a_missing_library_is_unsupported_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "smartcard.scard", None)
    with pytest.raises(Unsupported, match="Installer python3-pyscard"):
        Host().pcsc()


def test_psutil_comes_through_the_host() -> None:
    assert Host().psutil().virtual_memory().total > 0


def test_a_volume_has_a_size() -> None:
    volume = Host().volume("/")
    assert 0 <= volume.free_bytes <= volume.total_bytes
    with pytest.raises(Unsupported):
        Host().volume("/nowhere/at/all")


def test_a_resolver_that_does_not_answer_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers.wait(60))
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        Host().resolve("example.invalid", 443, 0.2)
    assert time.monotonic() - started < LONG_BEFORE_IT_WOULD_END
    answers.set()


def test_an_address_that_leads_nowhere_does_not_hide_the_next() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with Host().connect(["127.0.0.2", "127.0.0.1"], port, 2) as connection:
            assert connection.getpeername() == ("127.0.0.1", port)


def test_addresses_share_the_time_they_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    shares: list[float] = []
    connect = socket.create_connection

    def noted(address: tuple[str, int], timeout: float) -> socket.socket:
        shares.append(timeout)
        return connect(address, timeout)

    monkeypatch.setattr(socket, "create_connection", noted)
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        # A full queue leaves the next connection without an answer, as a filter on the way would.
        for one in [stack.enter_context(socket.socket()) for _ in range(4)]:
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        with pytest.raises(TimeoutError):
            Host().connect(["127.0.0.1"] * 3, listener.getsockname()[1], 0.6)
    assert shares[0] <= 0.2
    assert sum(shares) <= 0.6


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc/sys")
def test_a_kernel_setting_is_read_although_its_file_refuses_long_reads() -> None:
    assert Host().read_text("/proc/sys/kernel/randomize_va_space") in ("0\n", "1\n", "2\n")


@pytest.mark.parametrize("length", [0, 1, 256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1, MOST_BYTES])
def test_a_file_is_read_whole_up_to_the_longest(tmp_path: Path, length: int) -> None:
    (tmp_path / "file").write_bytes(b"x" * length)
    assert Host(tmp_path).read_bytes("/file") == b"x" * length


def test_a_long_file_comes_in_pieces_and_an_absent_one_in_none(tmp_path: Path) -> None:
    (tmp_path / "long").write_bytes(b"0123456789" * 60_000)
    host = Host(tmp_path)
    pieces = list(host.read_pieces("/long"))
    assert (len(pieces), b"".join(pieces)) == (3, b"0123456789" * 60_000)
    assert list(host.read_pieces("/absent")) == []


def test_what_the_kernel_writes_anew_is_read_once_for_all_probes(tmp_path: Path) -> None:
    """The probes that ask who listens see one and the same moment."""
    place = tmp_path / "proc" / "net" / "tcp"
    place.parent.mkdir(parents=True)
    place.write_text("before")
    host = Host(tmp_path, "linux")
    assert host.read_shared("/proc/net/tcp") == "before"
    place.write_text("after")
    assert host.read_shared("/proc/net/tcp") == "before"
    assert host.read_text("/proc/net/tcp") == "after"


def test_the_listeners_are_read_once_by_the_probes_of_a_scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "proc" / "net" / "tcp"
    place.parent.mkdir(parents=True)
    place.write_text("  sl  local_address rem_address   st\n")
    read: list[str] = []
    read_text = Host.read_text

    def noted(host: Host, path: str) -> str | None:
        read.append(path)
        return read_text(host, path)

    monkeypatch.setattr(Host, "read_text", noted)
    host = Host(tmp_path, "linux")
    for probe in discover():
        if not probe.uses_surroundings:
            with suppress(ProbeError):
                probe.observe(host)
    assert read.count("/proc/net/tcp") == 1


@needs_posix
def test_a_program_that_writes_much_is_heard_in_pieces(programs: Path) -> None:
    program(programs, "import os\nos.write(1, b'0' * 600_000)")
    assert sum(len(piece) for piece in Host().run_in_pieces("nft")) == 600_000


@needs_posix
def test_a_program_that_fails_half_way_is_not_believed(programs: Path) -> None:
    program(programs, "import sys\nprint('half')\nsys.exit(3)")
    with pytest.raises(Unreadable, match="au bout"):
        list(Host().run_in_pieces("nft"))


def test_what_a_fixture_answers_comes_in_pieces_too(fixture_root: Path) -> None:
    host = Host(fixture_root, answers={"nft list ruleset": CommandResult(0, "table", "")})
    assert list(host.run_in_pieces("nft", "list", "ruleset")) == [b"table"]
    with pytest.raises(Unsupported):
        host.run_in_pieces("nft", "list", "tables")
