"""Loading the program's files and what an organisation lays over them."""

import shutil
from pathlib import Path

import pytest

from prerequis_rules.load import load_pack
from prerequis_rules.schema import PackError


def test_everything_is_there_in_the_order_of_the_ids(fixture_directory: Path) -> None:
    pack = load_pack(base=fixture_directory)
    assert list(pack.rules) == [
        "enough-devices",
        "memory-sufficient",
        "no-failing-machine",
        "reader-present",
        "second-access",
    ]
    assert set(pack.programs) == set(pack.rules)
    assert pack.questions["second-access"].valid_months == 12
    assert pack.catalogue["memory"].name == "Barrette de mémoire"
    assert [one.covered for one in pack.frameworks["essai"].requirements] == [True, True, True, False]
    assert pack.correspondences["autre"].requirements[0].requirements == ("essai/E1", "essai/E3")
    assert pack.profile("").id == pack.default_profile.id == "generic-saas"
    with pytest.raises(KeyError):
        pack.profile("nobody")


def test_the_digest_changes_with_every_byte_and_with_nothing_else(tmp_path: Path, fixture_directory: Path) -> None:
    shutil.copytree(fixture_directory, tmp_path / "pack")
    digest = load_pack(base=fixture_directory).digest
    assert load_pack(base=tmp_path / "pack").digest == digest
    question = tmp_path / "pack/questions/second-access.toml"
    question.write_text(question.read_text() + "\n")
    assert load_pack(base=tmp_path / "pack").digest != digest


def test_an_organisation_adds_a_rule_and_replaces_a_question(tmp_path: Path, fixture_directory: Path) -> None:
    (tmp_path / "rules/own").mkdir(parents=True)
    (tmp_path / "questions").mkdir()
    rule = (fixture_directory / "rules/site/second-access.toml").read_text()
    (tmp_path / "rules/own/own-rule.toml").write_text(rule.replace('id = "second-access"', 'id = "own-rule"'))
    question = (fixture_directory / "questions/second-access.toml").read_text()
    replacing = "overrides = true\n" + question.replace("valid_months = 12", "valid_months = 6")
    (tmp_path / "questions/second-access.toml").write_text(replacing)
    pack = load_pack(tmp_path, base=fixture_directory)
    assert "own-rule" in pack.rules
    assert pack.questions["second-access"].valid_months == 6
    assert pack.digest != load_pack(base=fixture_directory).digest


def test_a_file_that_would_be_passed_over_is_told(tmp_path: Path, fixture_directory: Path) -> None:
    (tmp_path / "rule").mkdir()
    (tmp_path / "rule" / "own.toml").write_text("")
    with pytest.raises(PackError, match=r"rule/own\.toml:1:1: ce fichier doit être dans l'un des dossiers rules, "):
        load_pack(tmp_path, base=fixture_directory)


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="ce n'est pas un dossier"):
        load_pack(tmp_path / "nowhere")


def edited(tmp_path: Path, fixture_directory: Path, file: str, old: str, new: str) -> list[str]:
    """Return what is told of the small pack after one edit."""
    pack = tmp_path / "pack"
    shutil.copytree(fixture_directory, pack)
    text = (pack / file).read_text()
    assert old in text
    (pack / file).write_text(text.replace(old, new, 1))
    with pytest.raises(PackError) as raised:
        load_pack(base=pack)
    return [str(problem) for problem in raised.value.problems]


EDITS = [
    (
        "frameworks/essai.toml",
        'rules = ["reader-present",',
        'rules = ["reader-absent",',
        "frameworks/essai.toml:15:1: règle inconnue « reader-absent »",
    ),
    (
        "frameworks/essai.toml",
        'questions = ["second-access"]',
        'questions = ["third-access"]',
        "frameworks/essai.toml:22:1: question inconnue « third-access »",
    ),
    ("frameworks/essai.toml", '"E2"', '"E1"', "frameworks/essai.toml:13:1: exigence « E1 » déjà donnée"),
    (
        "frameworks/essai.toml",
        "threshold = 0.5",
        "threshold = 50",
        "frameworks/essai.toml:4:1: « coverage_threshold » doit être entre 0 et 1",
    ),
    (
        "frameworks/essai.toml",
        'title = "Rien encore"',
        'titel = "Rien encore"\ntitle = "Rien"',
        "frameworks/essai.toml:26:1: clé inconnue « titel »",
    ),
    (
        "frameworks/essai.toml",
        'rules = ["second-access"]',
        'rules = ["second-access"]\nreinforced = ["reader-present"]',
        "frameworks/essai.toml:22:1: « reader-present » n'est pas dans « rules »",
    ),
    (
        "correspondences/autre.toml",
        '"essai/E3"',
        '"essai/E9"',
        "correspondences/autre.toml:9:1: exigence inconnue « essai/E9 »",
    ),
    ("correspondences/autre.toml", '"A2"', '"A1"', "correspondences/autre.toml:12:1: exigence « A1 » déjà donnée"),
    (
        "calendars/essai.toml",
        "closes = 2027-03-31",
        "closes = 2026-12-31",
        "calendars/essai.toml:12:1: « closes » est avant « opens »",
    ),
    ("calendars/essai.toml", 'id = "2"', 'id = "1"', "calendars/essai.toml:16:1: lot « 1 » déjà donné"),
    ("calendars/essai.toml", "= 70", "= 170", "calendars/essai.toml:13:41: « percent » doit être au plus 100"),
    (
        "questions/second-access.toml",
        '["oui", "non", "ne sait pas"]',
        '["oui", "oui", "non", "ne sait pas"]',
        "questions/second-access.toml:3:1: il faut au moins deux choix, tous différents",
    ),
    (
        "questions/second-access.toml",
        "valid_months = 12",
        "valid_months = 0",
        "questions/second-access.toml:5:1: « valid_months » doit être au moins 1",
    ),
    (
        "profiles/generic-saas.toml",
        'direction = "DOWN"',
        'direction = "SIDEWAYS"',
        "profiles/generic-saas.toml:5:1: « direction » doit être l'un de DOWN, BOTH",
    ),
    (
        "profiles/generic-saas.toml",
        'direction = "DOWN"',
        'direction = "DOWN"\nconfirmed_on = 2026-03-01',
        "profiles/generic-saas.toml:9:1: « confirmed », « confirmed_by » et « confirmed_on » vont ensemble",
    ),
    (
        "knowledge/atr.toml",
        'atr = "3BAC',
        'atr = "3BAG',
        "knowledge/atr.toml:9:1: « atr » doit être un texte hexadécimal",
    ),
    (
        "knowledge/atr.toml",
        'mask = "FF',
        'mask = "',
        "knowledge/atr.toml:21:1: « mask » doit avoir la longueur de « atr »",
    ),
    (
        "knowledge/lifecycle.toml",
        "known_until = 2026-12-31",
        "",
        "knowledge/lifecycle.toml:28:1: il faut « end_of_support » ou « known_until »",
    ),
    (
        "knowledge/windows-updates.toml",
        "revision = 9",
        "revision = 5",
        "knowledge/windows-updates.toml:7:1: « updates » doit aller de la plus ancienne à la plus récente, "
        "révisions croissantes",
    ),
    (
        "knowledge/windows-updates.toml",
        "published = 2026-07-14",
        "published = 2026-06-09",
        "knowledge/windows-updates.toml:7:1: « updates » doit aller de la plus ancienne à la plus récente, "
        "révisions croissantes",
    ),
    (
        "knowledge/windows-updates.toml",
        "builds = [100]\nupdates = [{ published = 2026-06-09",
        'builds = ["100"]\nupdates = [{ published = 2026-06-09',
        "knowledge/windows-updates.toml:6:1: « builds » : chaque élément doit être un entier",
    ),
    (
        "knowledge/lifecycle-linux.toml",
        "end_of_support = 2020-01-01",
        "end_of_support = 2020-01-01T00:00:00Z",
        "knowledge/lifecycle-linux.toml:9:1: « end_of_support » doit être une date",
    ),
    (
        "rules/site/second-access.toml",
        'second-access = "non"',
        'second-access = "nein"',
        "rules/site/second-access.toml:20:13: « nein » n'est pas un choix de la question",
    ),
    (
        "rules/site/no-failing-machine.toml",
        "[2, 5]",
        "2",
        "rules/site/no-failing-machine.toml:26:11: « workstation » doit être [certain, possible] "
        'ou [certain, "unbounded"]',
    ),
]


@pytest.mark.parametrize(("file", "old", "new", "told"), EDITS, ids=[edit[2] or edit[1] for edit in EDITS])
def test_one_fault_is_told_once_and_alone(
    tmp_path: Path, fixture_directory: Path, file: str, old: str, new: str, told: str
) -> None:
    assert edited(tmp_path, fixture_directory, file, old, new) == [told]


def test_a_pack_without_the_default_profile_is_told(tmp_path: Path, fixture_directory: Path) -> None:
    pack = tmp_path / "pack"
    shutil.copytree(fixture_directory, pack)
    (pack / "profiles/generic-saas.toml").unlink()
    with pytest.raises(PackError, match="il manque le profil « generic-saas »"):
        load_pack(base=pack)
