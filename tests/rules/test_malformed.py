"""Every fault of a rule's file is told, with its place: each file of malformed/ beside the lines expected of it."""

import shutil
from pathlib import Path

import pytest

from prerequis_rules.load import load_pack
from prerequis_rules.schema import PackError

FILES = sorted((Path(__file__).parent / "malformed").glob("*.toml"))


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_a_malformed_rule_is_refused_with_every_fault_and_its_place(
    file: Path, tmp_path: Path, fixture_directory: Path
) -> None:
    (tmp_path / "rules").mkdir()
    shutil.copy(file, tmp_path / "rules")
    with pytest.raises(PackError) as raised:
        load_pack(tmp_path, base=fixture_directory)
    told = [str(problem).removeprefix(f"{tmp_path}/rules/") for problem in raised.value.problems]
    assert told == file.with_suffix(".expected").read_text().splitlines()


def test_the_faults_of_all_files_are_told_at_once(tmp_path: Path, fixture_directory: Path) -> None:
    (tmp_path / "rules").mkdir()
    for file in FILES:
        shutil.copy(file, tmp_path / "rules")
    with pytest.raises(PackError) as raised:
        load_pack(tmp_path, base=fixture_directory)
    assert {Path(problem.file).name for problem in raised.value.problems} == {file.name for file in FILES}


def test_a_file_that_is_not_utf_8_is_told(tmp_path: Path, fixture_directory: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "latin.toml").write_bytes('title = "é"'.encode("latin-1"))
    with pytest.raises(PackError, match=r"latin\.toml:1:1: le fichier n'est pas en UTF-8$"):
        load_pack(tmp_path, base=fixture_directory)
