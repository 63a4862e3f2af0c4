"""The register by a file: what a DSI with hundreds of sites does once, and again each time that something changes."""

import json
import shutil
from pathlib import Path

import pytest

from prerequis.command_line import ExitCode
from prerequis_collector import __main__ as program
from prerequis_collector import config
from prerequis_collector.opening import opened_database
from prerequis_collector.services.audit import verify
from prerequis_collector.store.audit import Audit
from prerequis_collector.store.sites import SiteRow, Sites

Capture = pytest.CaptureFixture[str]

_FIRST = "finess;nom;postes;adresse\n330000019;Les Tilleuls;4;rue\n330000027;Le Verger;;rue\n"


class Office:
    """A collector's folder, and the file of whoever keeps its register."""

    def __init__(self, folder: Path) -> None:
        self.data, self.file = folder / "collector", folder / "sites.csv"

    def run(self, *arguments: str) -> int:
        return program.main(["--data", str(self.data), *arguments])

    def bring(self, content: str, *options: str) -> int:
        self.file.write_text(content, encoding="utf-8")
        return self.run("site", "import", str(self.file), *options)

    def sites(self) -> dict[str, SiteRow]:
        with opened_database(config.load(self.data)) as database, database.read() as transaction:
            return {site.finess: site for site in Sites(transaction).all()}

    def entries(self) -> list[tuple[str, str, str]]:
        with opened_database(config.load(self.data)) as database, database.read() as transaction:
            assert verify(transaction).faults == ()
            return [(row.author, row.action, row.subject) for _, row in Audit(transaction).all() if row]


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder of which copies are quicker than new ones, the compiled rules among it."""
    office = Office(tmp_path_factory.mktemp("office"))
    assert office.run("init", "--name", "localhost") == 0
    assert office.bring(_FIRST, "--dry-run") == 0
    return office.data


@pytest.fixture
def office(empty: Path, tmp_path: Path, capsys: Capture) -> Office:
    office = Office(tmp_path)
    shutil.copytree(empty, office.data)
    capsys.readouterr()
    return office


def test_a_file_is_kept_and_told_and_each_site_is_in_the_audit_trail(office: Office, capsys: Capture) -> None:
    assert office.bring(_FIRST) == 0
    told = capsys.readouterr()
    assert told.out.splitlines() == [
        "Sites nouveaux : 2, changés : 0, inchangés : 0",
        "  + 330000019 Les Tilleuls",
        "  + 330000027 Le Verger",
    ]
    assert "Colonnes qui n'ont pas été lues : adresse." in told.err
    assert {finess: (site.name, site.workstations) for finess, site in office.sites().items()} == {
        "330000019": ("Les Tilleuls", 4),
        "330000027": ("Le Verger", None),
    }
    assert office.entries() == [("console", "site.save", "330000019"), ("console", "site.save", "330000027")]


def test_the_same_file_again_changes_nothing(office: Office, capsys: Capture) -> None:
    assert office.bring(_FIRST) == 0
    before, entries = office.sites(), office.entries()
    capsys.readouterr()
    assert office.bring(_FIRST) == 0
    assert capsys.readouterr().out == "Sites nouveaux : 0, changés : 0, inchangés : 2\n"
    assert (office.sites(), office.entries()) == (before, entries)


def test_what_has_no_column_stays_and_an_empty_cell_says_unknown(office: Office, capsys: Capture) -> None:
    assert office.bring(_FIRST) == 0
    assert office.run("site", "add", "330000027", "--name", "Le Verger", "--secretariats", "2") == 0
    capsys.readouterr()
    assert office.bring("finess;postes\n330000019;\n330000027;7\n") == 0
    assert capsys.readouterr().out.splitlines() == [
        "Sites nouveaux : 0, changés : 2, inchangés : 0",
        "  ~ 330000019 Les Tilleuls : postes 4 → –",
        "  ~ 330000027 Le Verger : postes – → 7",
    ]
    sites = office.sites()
    assert (sites["330000019"].workstations, sites["330000019"].name) == (None, "Les Tilleuls")
    assert (sites["330000027"].workstations, sites["330000027"].secretariats) == (7, 2)
    assert {finess: site.revision for finess, site in sites.items()} == {"330000019": 2, "330000027": 3}


def test_one_line_at_fault_keeps_every_other_out(office: Office, capsys: Capture) -> None:
    wrong = _FIRST + "330000035;;3;\n33000004;Le Port;3;\n"
    assert office.bring(wrong) == ExitCode.WRONG_INPUT
    assert office.bring(_FIRST + "330000035;;3;\n330000043;Le Port;2000000;\n") == ExitCode.WRONG_INPUT
    told = capsys.readouterr()
    assert told.out == ""
    assert "Ligne 5 : « 33000004 » : le tableur" in told.err
    assert "Ligne 4 : Le nom du site est vide" in told.err
    assert "Ligne 5 : Un effectif va de 0 à un million : 2000000 n'en est pas un." in told.err
    assert (office.sites(), office.entries()) == ({}, [])


@pytest.mark.parametrize(("column", "told"), [("profil", "Il n'y a pas de profil"), ("lot", "Il n'y a pas de lot")])
def test_a_profile_or_a_lot_that_nobody_knows_is_refused(
    office: Office, capsys: Capture, column: str, told: str
) -> None:
    assert office.bring(f"finess;nom;{column}\n330000019;Les Tilleuls;rien\n") == ExitCode.WRONG_INPUT
    assert f"Ligne 2 : {told} « rien »" in capsys.readouterr().err


def test_a_trial_tells_what_it_would_change_and_changes_nothing(office: Office, capsys: Capture) -> None:
    assert office.bring(_FIRST) == 0
    capsys.readouterr()
    changed = "finess;nom;échéance\n330000019;Les Ormes;31/12/2026\n330000035;Le Port;\n"
    assert office.bring(changed, "--dry-run", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "dryRun": True,
        "new": [{"finess": "330000035", "name": "Le Port"}],
        "changed": [
            {
                "finess": "330000019",
                "before": {"name": "Les Tilleuls", "deadline": None},
                "after": {"name": "Les Ormes", "deadline": "2026-12-31"},
            }
        ],
        "unchanged": 0,
        "ignoredColumns": [],
    }
    assert office.bring(changed, "--dry-run") == 0
    assert capsys.readouterr().out.endswith("Rien n'a été inscrit ; relancer sans --dry-run.\n")
    assert [site.name for site in office.sites().values()] == ["Les Tilleuls", "Le Verger"]
    assert len(office.entries()) == 2


def test_the_register_is_written_as_a_file_that_comes_back_unchanged(office: Office, capsys: Capture) -> None:
    assert office.bring(_FIRST) == 0
    options = ("--name", "Le Port", "--organisation", "330000100", "--deadline", "2026-12-31", "--active-records", "60")
    assert office.run("site", "add", "330000035", *options) == 0
    capsys.readouterr()
    assert office.run("site", "list", "--csv") == 0
    written = capsys.readouterr().out
    assert written.startswith("\N{BYTE ORDER MARK}finess;nom;organisme;")
    assert office.bring(written) == 0
    assert capsys.readouterr().out == "Sites nouveaux : 0, changés : 0, inchangés : 3\n"


def test_the_register_is_shown_whole_or_for_one_organisation(office: Office, capsys: Capture) -> None:
    assert office.bring(_FIRST) == 0
    assert office.run("site", "add", "330000035", "--name", "Le Port", "--organisation", "330000100") == 0
    capsys.readouterr()
    assert office.run("site", "list") == 0
    heading, *lines = capsys.readouterr().out.splitlines()
    assert heading.split() == ["FINESS", "NOM", "ORGANISME", "POSTES", "LOT"]
    assert [line.split()[0] for line in lines] == ["330000019", "330000027", "330000035"]
    assert office.run("site", "list", "--organisation", "330000100", "--json") == 0
    (site,) = json.loads(capsys.readouterr().out)["sites"]
    assert (site["finess"], site["name"], site["activeRecords"]) == ("330000035", "Le Port", None)


def test_a_number_that_looks_mistyped_is_kept_with_a_warning(office: Office, capsys: Capture) -> None:
    assert office.bring("finess;nom\n330000018;Les Tilleuls\n") == 0
    assert "Attention, ligne 2 : la clé de 330000018 est fausse" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_one_sentence(office: Office, capsys: Capture) -> None:
    capsys.readouterr()
    assert office.run("site", "import", str(office.data)) == ExitCode.WRONG_INPUT
    assert office.run("site", "import", str(office.file)) == ExitCode.WRONG_INPUT
    assert [line.partition(" : ")[2] for line in capsys.readouterr().err.splitlines()] == [
        "c'est un dossier.",
        "absent.",
    ]
