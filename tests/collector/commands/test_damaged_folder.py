"""A power cut or a careless hand leaves half a file: the commands say which, and none ends by a fault of its own."""

import json
import shutil
from pathlib import Path

import pytest
from tests.collector.conftest import ANYWHERE, SITE

from prerequis.command_line import ExitCode
from prerequis_collector import __main__ as program
from prerequis_collector import config
from prerequis_collector.config import Listening
from prerequis_collector.errors import StorageUnavailable
from prerequis_collector.opening import bundle_identity, load_authority, renew_server_identity

Capture = pytest.CaptureFixture[str]

_COMMANDS = {
    "status": ["status", "--json"],
    "verify": ["audit", "verify"],
    "ticket": ["ticket", "create", "--site", SITE, "--out", "OUT"],
    "backup": ["backup", "OUT"],
}
_FILES = (
    "listening.json",
    "server.pem",
    "bundle.key",
    "audit.head",
    "authority.pem",
    "authority.key",
    "collector.toml",
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of a collector that has served, been verified and made a ticket."""
    data = tmp_path_factory.mktemp("whole") / "collector"
    assert program.main(["--data", str(data), "init", "--name", "localhost"]) == 0
    assert program.main(["--data", str(data), "site", "add", SITE, "--name", "Les Tilleuls"]) == 0
    assert program.main(["--data", str(data), "audit", "verify"]) == 0
    known = config.load(data)
    renew_server_identity(known, load_authority(known))
    known.note_listening(Listening(ANYWHERE, ANYWHERE, ANYWHERE))
    bundle_identity(known)
    assert program.main(["--data", str(data), "status"]) == 0  # compiles the rules
    assert {one.name for one in data.iterdir()} >= {*_FILES}
    return data


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00\x81"], ids=["empty", "bytes"])
@pytest.mark.parametrize("name", [*_FILES, "collector.sqlite3"])
@pytest.mark.parametrize("command", _COMMANDS)
def test_a_damaged_file_is_a_sentence_or_does_not_matter(
    whole: Path, tmp_path: Path, capsys: Capture, name: str, content: bytes, command: str
) -> None:
    data = tmp_path / "collector"
    shutil.copytree(whole, data)
    for beside in data.glob(f"{name}-*"):
        beside.unlink()
    (data / name).write_bytes(content)
    capsys.readouterr()
    arguments = [str(tmp_path / "out") if one == "OUT" else one for one in _COMMANDS[command]]
    code = program.main(["--data", str(data), *arguments])
    told = capsys.readouterr().err.strip()
    assert code in (ExitCode.DONE, ExitCode.WRONG_INPUT, ExitCode.REFUSED)
    if code != ExitCode.DONE:
        assert len(told.splitlines()) == 1
        assert told.endswith((".", "»"))


def test_status_goes_on_without_the_note_of_where_the_collector_listens(
    whole: Path, tmp_path: Path, capsys: Capture
) -> None:
    data = tmp_path / "collector"
    shutil.copytree(whole, data)
    (data / "listening.json").write_bytes(b"")
    capsys.readouterr()
    assert program.main(["--data", str(data), "status", "--json"]) == 0
    told = capsys.readouterr()
    found = json.loads(told.out)
    assert (found["serving"], found["listen"], found["sites"]) == (False, None, 1)
    assert told.err.startswith(f"Attention : {data / 'listening.json'} est abîmé")


def test_no_ticket_names_a_port_that_is_only_guessed(whole: Path, tmp_path: Path, capsys: Capture) -> None:
    data, out = tmp_path / "collector", tmp_path / "ticket.toml"
    shutil.copytree(whole, data)
    (data / "listening.json").write_bytes(b"{}")
    ticket = ["--data", str(data), "ticket", "create", "--site", SITE, "--out", str(out)]
    assert program.main(ticket) == ExitCode.WRONG_INPUT
    assert not out.exists()
    (data / "listening.json").unlink()
    assert program.main(ticket) == 0
    assert f"localhost:{config.GRPC_PORT}" in out.read_text()


@pytest.mark.parametrize("place", ["file/ticket.toml", "absent/ticket.toml", f"{'x' * 300}.toml"])
def test_a_place_where_nothing_can_be_written_is_one_sentence(
    whole: Path, tmp_path: Path, capsys: Capture, place: str
) -> None:
    (tmp_path / "file").touch()
    capsys.readouterr()
    for arguments in (["ticket", "create", "--site", SITE, "--out"], ["backup"]):
        assert program.main(["--data", str(whole), *arguments, str(tmp_path / place)]) == ExitCode.REFUSED
        assert capsys.readouterr().err.startswith(f"Impossible d'écrire {tmp_path / place} : ")


def test_a_certificate_that_cannot_take_its_place_is_told_and_tried_again(whole: Path, tmp_path: Path) -> None:
    data = tmp_path / "collector"
    shutil.copytree(whole, data)
    known = config.load(data)
    known.server_certificate.unlink()
    known.server_certificate.mkdir()
    with pytest.raises(StorageUnavailable, match=r"server\.pem"):
        renew_server_identity(known, load_authority(known))
