"""When a Linux desktop locks: what is imposed, else what the person at the screen chose, else the desktop's default."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerequis.v1.access_pb2 import SessionLock
from prerequis_agent.errors import NotPermitted, ParseError, Unsupported
from prerequis_agent.gvdb import parse_gvdb
from prerequis_agent.host import Host
from prerequis_agent.probes.session_lock import PROBE

IDLE, LOCK = "/org/gnome/desktop/session/idle-delay", "/org/gnome/desktop/screensaver/lock-enabled"
PATHS = frozenset({IDLE, LOCK})
CHOSEN = """
[org/gnome/desktop/session]
idle-delay=uint32 900
[org/gnome/desktop/screensaver]
lock-enabled=false
lock-delay=uint32 30
[org/gnome/shell]
favorite-apps=['dossier-de-marie.desktop']
"""
needs_dconf = pytest.mark.skipif(shutil.which("dconf") is None, reason="dconf writes the database (dconf-cli)")


def compiled(folder: Path, text: str) -> bytes:
    """Return a database in the form that dconf itself gives it."""
    (folder / "keyfiles").mkdir()
    (folder / "keyfiles" / "user").write_text(text)
    subprocess.run(["dconf", "compile", folder / "database", folder / "keyfiles"], check=True)
    return (folder / "database").read_bytes()


def machine(root: Path, files: Mapping[str, str | bytes], desktop: str = "ubuntu") -> Host:
    """Return a machine with these files, on which marie is at the screen."""
    story: dict[str, str | bytes] = {
        "/usr/share/wayland-sessions/a.desktop": "",
        "/run/systemd/seats/seat0": "IS_SEAT0=1\nACTIVE=2\n",
        "/run/systemd/sessions/2": f"USER=marie\nCLASS=user\nDESKTOP={desktop}\n",
        "/etc/passwd": "marie:x:1000:1000::/home/marie:/bin/bash\n",
        **files,
    }
    for path, content in story.items():
        place = root / path[1:]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())
    return Host(root, "linux")


def lock(host: Host) -> SessionLock:
    facts = PROBE.observe(host).facts
    assert isinstance(facts, SessionLock)
    return facts


@needs_dconf
def test_a_database_of_dconf_is_read_and_only_what_is_wanted(tmp_path: Path) -> None:
    assert parse_gvdb(compiled(tmp_path, CHOSEN), PATHS) == {IDLE: "uint32 900", LOCK: "false"}


@needs_dconf
def test_what_a_person_chose_is_seen(tmp_path: Path) -> None:
    chosen = compiled(tmp_path, CHOSEN)
    host = machine(tmp_path / "root", {"/home/marie/.config/dconf/user": chosen})
    expected = SessionLock(enabled=True, delay_seconds=930, asks_password=False, imposed=False)
    assert lock(host) == expected


@needs_dconf
def test_what_is_imposed_wins_over_what_was_chosen(tmp_path: Path) -> None:
    host = machine(
        tmp_path / "root",
        {
            "/home/marie/.config/dconf/user": compiled(tmp_path, CHOSEN),
            "/etc/dconf/profile/user": "user-db:user\nsystem-db:local\n",
            "/etc/dconf/db/local.d/lock": "[org/gnome/desktop/session]\nidle-delay=uint32 300\n",
            "/etc/dconf/db/local.d/locks/lock": f"{IDLE}\n",
        },
    )
    assert (lock(host).delay_seconds, lock(host).imposed, lock(host).asks_password) == (330, True, False)


@needs_dconf
def test_a_desktop_that_is_never_idle_never_locks(tmp_path: Path) -> None:
    chosen = compiled(tmp_path, "[org/gnome/desktop/session]\nidle-delay=uint32 0\n")
    assert lock(machine(tmp_path / "root", {"/home/marie/.config/dconf/user": chosen})) == SessionLock(
        enabled=False, imposed=False
    )


def test_whoever_chose_nothing_has_the_default_of_gnome_or_of_the_distribution(tmp_path: Path) -> None:
    assert (lock(machine(tmp_path / "a", {})).delay_seconds, lock(machine(tmp_path / "a", {})).asks_password) == (
        300,
        True,
    )
    override = "[org.gnome.desktop.session:ubuntu]\nidle-delay=uint32 120\n"
    host = machine(tmp_path / "b", {"/usr/share/glib-2.0/schemas/10_x.gschema.override": override})
    assert lock(host).delay_seconds == 120


@pytest.mark.parametrize(
    ("system", "own", "expected"),
    [
        ("", "", SessionLock(enabled=True, delay_seconds=300, asks_password=True, imposed=False)),
        ("", "[Daemon]\nTimeout=15\n", SessionLock(enabled=True, delay_seconds=900, asks_password=True, imposed=False)),
        ("", "[Daemon]\nAutolock=false\nTimeout=0\n", SessionLock(enabled=False, imposed=False)),
        (
            "[Daemon]\nAutolock[$i]=true\nTimeout[$i]=3\n",
            "[Daemon]\nAutolock=false\nTimeout=60\n",
            SessionLock(enabled=True, delay_seconds=180, asks_password=True, imposed=True),
        ),
    ],
)
def test_kde_locks_as_its_files_say(tmp_path: Path, system: str, own: str, expected: SessionLock) -> None:
    files = {"/etc/xdg/kscreenlockerrc": system, "/home/marie/.config/kscreenlockerrc": own}
    assert lock(machine(tmp_path, files, "KDE")) == expected


@pytest.mark.parametrize("desktop", ["ubuntu", "KDE"])
def test_a_choice_that_may_not_be_read_is_not_guessed_and_names_nobody(tmp_path: Path, desktop: str) -> None:
    class Closed(Host):
        def path(self, path: str) -> Path:
            if path.startswith("/home/"):
                raise NotPermitted(f"Le compte de l'agent n'a pas le droit de lire {path}.")
            return super().path(path)

    machine(tmp_path, {}, desktop)
    with pytest.raises(NotPermitted) as refusal:
        PROBE.observe(Closed(tmp_path, "linux"))
    assert "marie" not in str(refusal.value)


@pytest.mark.parametrize("desktop", ["xfce", ""])
def test_a_desktop_that_is_not_known_is_not_guessed(tmp_path: Path, desktop: str) -> None:
    with pytest.raises(Unsupported, match="ne se lit pas"):
        PROBE.observe(machine(tmp_path, {}, desktop))


def test_a_damaged_database_is_told_and_names_nobody(tmp_path: Path) -> None:
    host = machine(tmp_path, {"/home/marie/.config/dconf/user": b"GVariant" + b"\xff" * 40})
    with pytest.raises(Unsupported):
        PROBE.observe(host)


@given(st.binary() | st.binary().map(lambda rest: b"GVariant\0\0\0\0\0\0\0\0\x18\0\0\0\xff\0\0\0" + rest))
def test_any_bytes_are_a_database_or_a_parse_error(content: bytes) -> None:
    try:
        assert set(parse_gvdb(content, PATHS)) <= PATHS
    except ParseError as problem:
        assert str(problem).endswith(".")
