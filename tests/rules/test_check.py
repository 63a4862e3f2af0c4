"""Both packs hold: the small one of these tests, and the one that is shipped."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from prerequis_rules.cases import run_case, run_cases
from prerequis_rules.check import check_pack
from prerequis_rules.load import load_pack
from prerequis_rules.model import Case, Rule
from prerequis_rules.pack import Pack

FIXTURE = Path(__file__).parent / "pack"
CASES = [(rule, case) for rule in load_pack(base=FIXTURE).rules.values() for case in rule.cases]


@pytest.mark.parametrize(("rule", "case"), CASES, ids=[f"{rule.id}: {case.name}" for rule, case in CASES])
def test_a_case_of_the_small_pack_holds(pack: Pack, rule: Rule, case: Case) -> None:
    judgement = run_case(pack, rule, case)
    assert judgement.verdict is case.verdict
    needs = {item: (quantity.certain, quantity.possible) for item, quantity in judgement.needs.items()}
    assert {item: needs.get(item, (0, 0)) for item in case.needs} == case.needs


def test_the_shipped_pack_holds_and_its_old_knowledge_is_a_warning_and_no_fault(shipped: Pack) -> None:
    report = check_pack(today=date(2030, 1, 1))
    assert len(report.warnings) == len(shipped.knowledge.origins) > 0
    assert report.errors == ()
    assert report.ok
    assert report.cases >= 3 * report.rules > 0
    document = report.as_json()
    assert document["warnings"] == list(report.warnings)
    assert list(document) == ["ok", "rules", "cases", "errors", "warnings", "frameworks"]
    frameworks = document["frameworks"]
    assert isinstance(frameworks, dict)
    assert set(frameworks) >= {"dui", "anssi-hygiene"}
    for framework in frameworks.values():
        assert framework["covered"] + len(framework["uncovered"]) == framework["requirements"]


def test_a_case_that_does_not_hold_is_named_with_its_place(tmp_path: Path) -> None:
    own = tmp_path / "rules" / "own"
    own.mkdir(parents=True)
    text = (FIXTURE / "rules/workstation/reader-present.toml").read_text()
    wrong = text.replace('verdict = "fail"', 'verdict = "pass"', 1).replace('verdict = "unknown"', 'verdict = "fail"')
    wrong = wrong.replace('"reader-present"', '"own-reader"').replace('aliases = ["card-reader"]\n', "")
    (own / "own-reader.toml").write_text(wrong + '\n[[cases]]\nname = "no name"\nverdict = "unknown"\n')
    report = check_pack(tmp_path)
    assert not report.ok
    assert report.errors == (
        f"{own}/own-reader.toml:18:1: cas « the probe looked and found none » : FAIL au lieu de PASS",
        f"{own}/own-reader.toml:23:1: cas « the probe did not look » : UNKNOWN au lieu de FAIL",
    )


def test_a_need_that_does_not_hold_is_named(tmp_path: Path) -> None:
    shutil.copytree(FIXTURE, tmp_path / "pack")
    file = tmp_path / "pack/rules/site/no-failing-machine.toml"
    file.write_text(file.read_text().replace("[2, 5]", "[2, 4]"))
    assert run_cases(load_pack(base=tmp_path / "pack")) == (
        "rules/site/no-failing-machine.toml:22:1: cas « some fail, the others may » : "
        "besoin de workstation [2, 5] au lieu de [2, 4]",
    )


def test_a_pack_that_cannot_be_loaded_is_reported_not_raised(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "empty.toml").write_text("")
    report = check_pack(tmp_path)
    assert not report.ok
    assert all(error.startswith(f"{tmp_path}/rules/empty.toml:1:1: ") for error in report.errors)
    assert any("il manque « met »" in error for error in report.errors)
