"""What a cache gives is what reading the files gives, or it gives nothing."""

import os
import shutil
import tomllib
from datetime import UTC
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prerequis_rules.cache import Cache
from prerequis_rules.cases import run_cases
from prerequis_rules.load import load_pack
from prerequis_rules.pack import Pack
from prerequis_rules.schema import PackError


@pytest.fixture
def folder(tmp_path: Path, fixture_directory: Path) -> Path:
    """A cache that holds the small pack."""
    load_pack(base=fixture_directory, cache=tmp_path / "cache")
    return tmp_path / "cache"


def kept(folder: Path) -> Path:
    (file,) = folder.iterdir()
    return file


def without_reading(monkeypatch: pytest.MonkeyPatch, fixture_directory: Path, folder: Path) -> Pack:
    """Return the pack from its cache, where reading TOML would be a fault."""

    def never(text: str) -> dict[str, object]:
        raise AssertionError(f"read again: {text[:40]}")

    monkeypatch.setattr(tomllib, "loads", never)
    return load_pack(base=fixture_directory, cache=folder)


def same(one: Pack, other: Pack) -> bool:
    cases = [[(case.name, str(case.place), case.context) for rule in pack.rules.values() for case in rule.cases]
             for pack in (one, other)]  # fmt: skip
    return (
        (one.digest, one.knowledge, one.profiles, one.frameworks, one.questions)
        == (other.digest, other.knowledge, other.profiles, other.frameworks, other.questions)
        and cases[0] == cases[1]
    )  # fmt: skip


def test_a_pack_from_its_cache_is_the_pack_of_its_files(
    monkeypatch: pytest.MonkeyPatch, fixture_directory: Path, folder: Path, pack: Pack
) -> None:
    cached = without_reading(monkeypatch, fixture_directory, folder)
    assert list(cached.rules) == list(pack.rules)
    assert same(cached, pack)
    assert run_cases(cached) == ()


def test_a_cache_is_of_one_account_alone(folder: Path) -> None:
    assert (folder.stat().st_mode & 0o777, kept(folder).stat().st_mode & 0o777) == (0o700, 0o600)


@pytest.mark.parametrize("change", ["group", "link", "cut", "flipped", "empty", "not json", "another shape"])
def test_what_is_not_sound_or_not_ours_is_read_again_from_the_files(
    fixture_directory: Path, folder: Path, pack: Pack, change: str
) -> None:
    file = kept(folder)
    content = bytearray(file.read_bytes())
    match change:
        case "group":
            file.chmod(0o620)
        case "link":
            file.rename(file.parent.parent / "elsewhere")
            file.symlink_to(file.parent.parent / "elsewhere")
        case "cut":
            file.write_bytes(content[:-200])
        case "flipped":
            content[len(content) // 2] ^= 1
            file.write_bytes(content)
        case "empty":
            file.write_bytes(b"")
        case "not json":
            file.write_bytes(b"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n")
        case "another shape":
            file.write_bytes(b"4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945\n[]")
    assert not Cache.open(folder, pack.digest).complete
    assert same(load_pack(base=fixture_directory, cache=folder), pack)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_account_is_not_taken(folder: Path, pack: Pack) -> None:
    assert Cache.open(folder, pack.digest).complete
    os.chown(kept(folder), 65534, 65534)
    assert not Cache.open(folder, pack.digest).complete


def test_another_pack_has_another_cache_and_few_are_kept(tmp_path: Path, fixture_directory: Path, folder: Path) -> None:
    first = kept(folder)
    os.utime(first, (0, 0))
    changed = tmp_path / "pack"
    shutil.copytree(fixture_directory, changed)
    for number in range(5):
        question = changed / "questions/second-access.toml"
        question.write_text(question.read_text() + f"# {number}\n")
        load_pack(base=changed, cache=folder)
    assert len(list(folder.iterdir())) == 4
    assert not first.exists()


def test_a_faulty_pack_is_not_kept(tmp_path: Path, fixture_directory: Path) -> None:
    changed = tmp_path / "pack"
    shutil.copytree(fixture_directory, changed)
    (changed / "questions/second-access.toml").write_text("id = 3\n")
    with pytest.raises(PackError):
        load_pack(base=changed, cache=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_a_folder_that_refuses_costs_only_time(tmp_path: Path, fixture_directory: Path, pack: Pack) -> None:
    (tmp_path / "file").write_text("")
    assert same(load_pack(base=fixture_directory, cache=tmp_path / "file" / "cache"), pack)


TOML_VALUES = st.recursive(
    st.text()
    | st.integers()
    | st.booleans()
    | st.dates()
    | st.times().map(lambda moment: moment.replace(fold=0))
    | st.datetimes(timezones=st.none() | st.just(UTC)).map(lambda moment: moment.replace(fold=0)),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.from_regex(r"[A-Za-z0-9_-]+", fullmatch=True), inner)
    ),
)


@settings(max_examples=15)
@given(st.dictionaries(st.from_regex(r"[A-Za-z0-9_-]+", fullmatch=True), TOML_VALUES))
def test_every_value_of_toml_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, table: dict[str, object]
) -> None:
    folder = tmp_path_factory.mktemp("cache")
    Cache(folder, Cache.open(folder, "a").key, {"file": table}, {"expression": b"\x00\xff"}).keep()
    opened = Cache.open(folder, "a")
    assert opened.documents == {"file": table}
    assert opened.expressions == {"expression": b"\x00\xff"}
    assert repr(opened.documents["file"]) == repr(table)
