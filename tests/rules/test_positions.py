"""Every key of a TOML file is found where it stands."""

import tomllib
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerequis_rules.positions import Position, locate

SHIPPED = sorted(Path(str(files("prerequis_rules"))).rglob("*.toml"))


def paths(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    if isinstance(value, dict):
        return [one for key, below in value.items() for one in [(*path, key), *paths(below, (*path, key))]]
    if isinstance(value, list):
        return [one for index, below in enumerate(value) for one in [(*path, index), *paths(below, (*path, index))]]
    return []


def strings(value: object, path: tuple[str | int, ...] = ()) -> dict[tuple[str | int, ...], str]:
    if isinstance(value, str):
        return {path: value}
    found: dict[tuple[str | int, ...], str] = {}
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in entries:
        found |= strings(below, (*path, key))
    return found


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_every_key_and_string_of_the_shipped_pack_is_found(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    data, found = tomllib.loads(text), locate(text)
    assert set(paths(data)) == set(found.keys)
    assert set(strings(data)) == set(found.strings)
    for path, offset in found.keys.items():
        last = path[-1]
        assert isinstance(last, int) or text[offset] == "[" or last.split(".")[0] in text[offset : offset + 80]


TEXT = '''# a comment with = and [brackets]
id = "x"
a.b = 'c'  # [not.a.table]
[plain]
"quoted key" = [1, [2, "]"], { d = """]""" }]
[[rows]]
name = "first"
[[rows]]
name = """
second "one" """
[rows.below]
deep = { e.f = 1979-05-27T07:32:00Z, g = [ # a comment
  1,
] }
'''

PLACES = [
    (("id",), Position(2, 1)),
    (("a", "b"), Position(3, 1)),
    (("plain",), Position(4, 1)),
    (("plain", "quoted key"), Position(5, 1)),
    (("plain", "quoted key", 1), Position(5, 20)),
    (("plain", "quoted key", 2, "d"), Position(5, 32)),
    (("rows", 0), Position(6, 1)),
    (("rows", 1, "name"), Position(9, 1)),
    (("rows", 1, "below", "deep", "e", "f"), Position(12, 10)),
    (("rows", 1, "below", "deep", "g", 0), Position(13, 3)),
    (("rows", 0, "no such key"), Position(6, 1)),
    (("nothing",), Position(1, 1)),
]


@pytest.mark.parametrize(("path", "position"), PLACES)
def test_a_key_is_found_in_every_form_of_table(path: tuple[str | int, ...], position: Position) -> None:
    assert locate(TEXT).of(path) == position


def written(value: str, form: str) -> str:
    escaped = "".join(
        {"\\": "\\\\", '"': '\\"', "\n": "\\n"}.get(one, one if one.isprintable() else f"\\U{ord(one):08X}")
        for one in value
    )
    return {"basic": f'"{escaped}"', "long": '"""\n' + escaped.replace("\\n", "\n") + '"""'}[form]


CHARACTERS = st.characters(codec="utf-8", exclude_characters="\r")


@given(st.text(CHARACTERS, min_size=1, max_size=20), st.sampled_from(["basic", "long"]), st.data())
def test_a_character_of_a_value_is_found_in_the_file(value: str, form: str, data: st.DataObject) -> None:
    text = f"# before\nkey = {written(value, form)}\n"
    assert tomllib.loads(text) == {"key": value}
    index = data.draw(st.sampled_from(range(len(value))))
    before = value[:index]
    place = locate(text).within(("key",), before.count("\n") + 1, index - (before.rfind("\n") + 1) + 1)
    line = text.split("\n")[place.line - 1] + "\n"
    assert stands_at(line[place.column - 1 :], value[index])


def stands_at(rest: str, character: str) -> bool:
    """Return whether what stands there is the character itself or its escape."""
    forms = {"\\": "\\\\", '"': '\\"', "\n": "\\n"}
    return rest.startswith((character, forms.get(character, character), f"\\U{ord(character):08X}"))
