"""A rule that decides out of ignorance is told."""

import shutil
from pathlib import Path

import pytest

from prerequis_rules.cases import run_cases
from prerequis_rules.forget import broken_promises
from prerequis_rules.load import load_pack
from prerequis_rules.pack import Pack

READER = "rules/workstation/reader-present.toml"
READERS = 'met = "facts.smartcard.readers.size() > 0"'
FAILING = "rules/site/no-failing-machine.toml"
NONE_FAILED = "met = \"tally['memory-sufficient'].failed == 0\""
ANSWER = "rules/site/second-access.toml"
YES = "met = \"answers['second-access'].choice == 'oui'\""

CONDITIONS = [
    (
        READER,
        READERS,
        "met = '!has(facts.smartcard) || facts.smartcard.readers.size() > 0'",
        "la règle « reader-present » donne PASS alors que rien n'est connu",
    ),
    (
        READER,
        READERS,
        "met = 'has(facts.smartcard) && facts.smartcard.readers.exists(r, has(r.atr))'",
        "cas « one reader » : PASS devient FAIL quand facts.smartcard.readers.0.atr n'est pas connu",
    ),
    (
        ANSWER,
        YES,
        "met = \"!('second-access' in answers) || answers['second-access'].choice == 'oui'\"",
        "la règle « second-access » donne PASS alors que rien n'est connu",
    ),
    (
        ANSWER,
        YES,
        "met = \"'second-access' in answers && has(answers['second-access'].choice)\"",
        "PASS devient FAIL quand answers.second-access.choice n'est pas connu",
    ),
]


def test_the_packs_keep_their_word(pack: Pack, shipped: Pack) -> None:
    assert broken_promises(pack) == ()
    assert broken_promises(shipped) == ()


def test_a_pack_is_checked_with_less_known(tmp_path: Path, fixture_directory: Path) -> None:
    shutil.copytree(fixture_directory, tmp_path / "pack")
    rule = tmp_path / "pack" / READER
    rule.write_text(rule.read_text().replace(READERS, "met = 'has(facts.smartcard.service)'"))
    pack = load_pack(base=tmp_path / "pack")
    assert len(run_cases(pack)) == 0
    assert broken_promises(pack) == (
        f"{READER}:14:1: cas « one reader » : PASS devient FAIL quand facts.smartcard.service n'est pas connu",
    )


@pytest.mark.parametrize(("file", "old", "new", "told"), CONDITIONS, ids=[row[2] for row in CONDITIONS])
def test_a_condition_that_ignorance_satisfies_is_told(
    tmp_path: Path, fixture_directory: Path, file: str, old: str, new: str, told: str
) -> None:
    shutil.copytree(fixture_directory, tmp_path / "pack")
    rule = tmp_path / "pack" / file
    assert old in rule.read_text()
    rule.write_text(rule.read_text().replace(old, new))
    assert any(told in sentence for sentence in broken_promises(load_pack(base=tmp_path / "pack")))


def test_a_condition_that_holds_at_both_ends_but_not_between_is_told(tmp_path: Path, fixture_directory: Path) -> None:
    shutil.copytree(fixture_directory, tmp_path / "pack")
    rule = tmp_path / "pack" / FAILING
    text = rule.read_text().replace(NONE_FAILED, "met = \"tally['memory-sufficient'].failed != 1\"")
    rule.write_text(text.replace("passed = 4, failed = 2, unknown = 3", "passed = 4, failed = 1"))
    assert (
        f"{FAILING}:22:1: cas « some fail, the others may » : "
        "FAIL devient PASS quand un poste de tally['memory-sufficient'] n'est pas connu"
    ) in broken_promises(load_pack(base=tmp_path / "pack"))
