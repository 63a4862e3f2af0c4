"""The commands as their users run them."""

import json
import socket
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from cryptography import x509
from tests.collector.commands.process import run
from tests.collector.conftest import SITE

from prerequis.command_line import ExitCode
from prerequis_collector import __main__ as program
from prerequis_collector import config
from prerequis_collector.opening import opened_database
from prerequis_collector.store.operators import Operators
from prerequis_collector.store.sites import Sites


@pytest.fixture
def data(tmp_path: Path) -> Path:
    data = tmp_path / "collector"
    assert program.main(["--data", str(data), "init", "--name", "collecteur.example", "--name", "192.0.2.7"]) == 0
    assert program.main(["--data", str(data), "site", "add", SITE, "--name", "Les Tilleuls"]) == 0
    return data


def test_a_second_init_changes_nothing(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in data.iterdir()}
    capsys.readouterr()
    assert program.main(["--data", str(data), "init"]) == ExitCode.WRONG_INPUT
    assert {path: path.read_bytes() for path in data.iterdir()} == before
    assert capsys.readouterr().err == f"{data} est déjà le dossier d'un collecteur : rien n'a été changé.\n"


def test_only_the_owner_reads_what_init_makes(data: Path) -> None:
    assert {stat.S_IMODE(path.stat().st_mode) for path in (data, *data.iterdir())} == {0o700, 0o600}


def test_the_names_given_are_those_of_the_collector_the_first_one_public(data: Path) -> None:
    known = config.load(data)
    assert known.public_name == "collecteur.example"
    assert {"192.0.2.7", "localhost", "127.0.0.1"} < set(known.names)


def test_an_init_that_cannot_write_leaves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "data"
    nobody = "postgresql://nobody@127.0.0.1:1/nothing"
    assert program.main(["--data", str(data), "init", "--database", nobody]) == ExitCode.REFUSED
    assert list(data.iterdir()) == []
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_init_under_a_file_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert program.main(["--data", str(tmp_path / "file" / "data"), "init"]) == ExitCode.REFUSED
    assert capsys.readouterr().err.startswith("Impossible de créer")


def test_a_folder_without_init_is_told_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["--data", str(tmp_path), "serve"]) == ExitCode.WRONG_INPUT
    assert "prerequis-collector init" in capsys.readouterr().err


def test_a_site_is_kept_and_kept_again_as_last_told(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["site", "add", SITE, "--name", "Le Verger", "--workstations", "4", "--deadline", "2027-01-31"]
    assert program.main(["--data", str(data), *arguments]) == 0
    with opened_database(config.load(data)) as database, database.read() as transaction:
        site = Sites(transaction).find(SITE)
    assert site is not None
    assert (site.name, site.workstations, str(site.deadline), site.revision) == ("Le Verger", 4, "2027-01-31", 2)
    assert "mis à jour" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["12", "--name", "x"],
        [SITE, "--name", " "],
        [SITE, "--name", "x", "--workstations", "-1"],
        [SITE, "--name", "x", "--profile", "nothing"],
    ],
)
def test_a_wrong_site_is_one_sentence(data: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    capsys.readouterr()
    assert program.main(["--data", str(data), "site", "add", *arguments]) == ExitCode.WRONG_INPUT
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_wrong_check_digit_is_only_a_warning(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["--data", str(data), "site", "add", "330000018", "--name", "x"]) == 0
    assert "vérifier le numéro" in capsys.readouterr().err


def test_a_ticket_file_has_what_an_agent_needs_and_only_its_owner_reads_it(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "ticket.toml"
    arguments = ["--data", str(data), "ticket", "create", "--site", SITE, "--out", str(path)]
    assert program.main(arguments) == 0
    ticket = tomllib.loads(path.read_text())
    assert ticket["collector"] == "collecteur.example:7443"
    assert ticket["enrolment"] == "collecteur.example:7445"
    assert (ticket["finess"], ticket["site"]) == (SITE, "Les Tilleuls")
    assert ticket["expires"].tzinfo is not None
    assert x509.load_pem_x509_certificate(ticket["authority"].encode())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert program.main(arguments) == ExitCode.WRONG_INPUT
    assert tomllib.loads(path.read_text()) == ticket


@pytest.mark.parametrize("options", [["--uses", "0"], ["--days", "9999"], ["--site", "000000000"]])
def test_a_ticket_that_cannot_be_leaves_no_file(data: Path, tmp_path: Path, options: list[str]) -> None:
    arguments = ["ticket", "create", "--site", SITE, "--out", str(tmp_path / "t"), *options]
    assert program.main(["--data", str(data), *arguments]) == ExitCode.WRONG_INPUT
    assert not (tmp_path / "t").exists()


def test_a_credential_that_cannot_be_written_makes_no_operator(data: Path, tmp_path: Path) -> None:
    create = ["--data", str(data), "operator", "create", "dsi", "--role", "dsi", "--out"]
    assert program.main([*create, str(tmp_path / "nowhere" / "dsi.toml")]) == ExitCode.REFUSED
    with opened_database(config.load(data)) as database, database.read() as transaction:
        assert Operators(transaction).find("dsi") is None
    assert program.main([*create, str(tmp_path / "dsi.toml")]) == 0
    assert program.main([*create, str(tmp_path / "again.toml")]) == ExitCode.WRONG_INPUT
    assert not (tmp_path / "again.toml").exists()


def test_the_rules_of_the_program_are_good(capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["rules", "check", "--json"]) == ExitCode.DONE
    report = json.loads(capsys.readouterr().out)
    assert report["ok"]
    assert report["errors"] == []
    assert {"dui", "anssi-hygiene"} <= report["frameworks"].keys()


def test_a_faulty_rule_is_a_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "own.toml").write_text('id = "own"\n')
    assert program.main(["rules", "check", str(tmp_path)]) == ExitCode.FINDING
    assert "own.toml:" in capsys.readouterr().err


def test_an_address_already_taken_is_one_sentence(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run(data, "serve", "--listen", f"127.0.0.1:{taken.getsockname()[1]}", "--measure-listen", "127.0.0.1:0")
    assert done.returncode == ExitCode.WRONG_INPUT
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1].startswith("Impossible d'écouter sur 127.0.0.1:")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["site", "add", "--help"], ["ticket", "create", "--help"]])
def test_help_is_french(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        program.main(arguments)
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("usage : prerequis-collector")


def test_the_version_is_told_without_loading_a_database_or_grpc() -> None:
    code = "import sys; from prerequis_collector.__main__ import main; main(['--version']); print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True).stdout
    assert told.startswith("prerequis-collector ")
    assert not {"grpc", "sqlmodel", "sqlalchemy"} & set(told.split())
