"""What whoever starts a collector reads, of what works and of what does not."""

import socket
from pathlib import Path

import pytest
from tests.collector.commands.process import run, served
from tests.collector.conftest import SITE

from prerequis.command_line import ExitCode
from prerequis_collector import __main__ as program

Shown = pytest.CaptureFixture[str]


@pytest.fixture
def data(tmp_path: Path, capsys: Shown) -> Path:
    data = tmp_path / "collector"
    assert program.main(["--data", str(data), "init", "--name", "localhost"]) == 0
    assert capsys.readouterr().err.startswith(f"Collecteur créé dans {data}, joint sous le nom localhost. Ensuite : ")
    return data


@pytest.mark.parametrize("name", ["", "é è", "a..b", "-a", "a b", "http://a", "a:7443", "a" * 254, "*.exemple.fr"])
def test_a_name_that_no_certificate_can_give_is_refused_before_anything_is_made(
    tmp_path: Path, name: str, capsys: Shown
) -> None:
    folder = tmp_path / "collector"
    assert program.main(["--data", str(folder), "init", f"--name={name}"]) == ExitCode.WRONG_INPUT
    assert "n'est ni un nom de machine ni une adresse" in capsys.readouterr().err
    assert not folder.exists()


@pytest.mark.parametrize(
    "name", ["SRV_DUI", "a", "collecteur.exemple.fr", "192.0.2.1", "2001:db8::1", "xn--caf-dma.fr"]
)
def test_the_names_of_machines_and_their_addresses_are_taken(tmp_path: Path, name: str) -> None:
    assert program.main(["--data", str(tmp_path / "collector"), "init", "--name", name]) == 0


@pytest.mark.parametrize("named", ["nothing", "file", "empty"])
def test_what_is_not_the_folder_of_a_collector_is_told_with_what_makes_one(
    tmp_path: Path, named: str, capsys: Shown
) -> None:
    (tmp_path / "file").write_bytes(b"\x00")
    (tmp_path / "empty").mkdir()
    assert program.main(["--data", str(tmp_path / named), "status"]) == ExitCode.WRONG_INPUT
    assert "n'est pas le dossier d'un collecteur : lancer d'abord" in capsys.readouterr().err


def test_upgrade_says_that_it_is_done(data: Path, capsys: Shown) -> None:
    assert program.main(["--data", str(data), "upgrade"]) == 0
    assert capsys.readouterr().err == "La base est au format de cette version.\n"


def test_there_must_be_two_ports_after_the_one_that_is_named(data: Path) -> None:
    done = run(data, "serve", "--listen", "127.0.0.1:65534")
    assert (done.returncode, done.stderr) == (2, "Il n'y a pas deux ports après 65534 : choisir 65533 au plus.\n")


def test_a_port_that_is_taken_is_told_in_french(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run(data, "serve", "--listen", "127.0.0.1:0", "--measure-listen", f"127.0.0.1:{port}")
    said = f"Impossible d'écouter sur 127.0.0.1:{port} : adresse déjà utilisée.\n"
    assert (done.returncode, done.stderr) == (2, said)


def test_a_folder_that_is_served_is_not_served_twice(data: Path) -> None:
    with served(data):
        noted = (data / "listening.json").read_bytes()
        done = run(data, "serve", "--listen", "127.0.0.1:0")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"Un collecteur sert déjà le dossier {data} : ")
        assert (data / "listening.json").read_bytes() == noted


def test_an_operator_who_was_revoked_leaves_a_name_that_is_not_given_again(
    data: Path, tmp_path: Path, capsys: Shown
) -> None:
    create = ["--data", str(data), "operator", "create", "dsi", "--role", "dsi", "--out", str(tmp_path / "dsi.toml")]
    assert program.main(create) == 0
    assert program.main(["--data", str(data), "operator", "revoke", "dsi"]) == 0
    capsys.readouterr()
    assert program.main([*create[:-1], str(tmp_path / "again.toml")]) == ExitCode.WRONG_INPUT
    assert "en choisir un autre" in capsys.readouterr().err


def test_one_poste_and_one_day_are_said_in_the_singular(data: Path, tmp_path: Path, capsys: Shown) -> None:
    assert program.main(["--data", str(data), "site", "add", SITE, "--name", "Les Tilleuls"]) == 0
    capsys.readouterr()
    ticket = tmp_path / "ticket.toml"
    create = ["ticket", "create", "--site", SITE, "--uses", "1", "--days", "1", "--out", str(ticket)]
    assert program.main(["--data", str(data), *create]) == 0
    assert capsys.readouterr().err == f"Ticket écrit dans {ticket}, pour 1 poste et 1 jour.\n"
