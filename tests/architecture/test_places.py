"""Where things stand, and how long they are."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("agent", "collector", "rules", "tui", "proto")
SOURCES = sorted(
    path
    for room in ROOMS
    for path in (ROOT / room).rglob("*.py")
    if "_pb2" not in path.name and "build" not in path.parts
)
TEXTS = sorted(
    path
    for folder in (*ROOMS, "tests", "deploy", "docs", "requirements", "scripts", ".ci")
    for path in (ROOT / folder).rglob("*")
    if path.is_file() and path.suffix in {"", ".py", ".toml", ".md", ".txt", ".proto", ".service", ".timer", ".json"}
)


def test_nine_files_in_ten_stay_under_400_lines() -> None:
    long = [path for path in SOURCES if len(path.read_text().splitlines()) > 400]
    assert len(long) <= len(SOURCES) / 10, long


def test_functions_fit_a_screen() -> None:
    too_long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno > 70
    ]
    assert too_long == []


def test_no_room_has_a_drawer_for_everything() -> None:
    drawers = {"utils", "util", "common", "core", "helpers", "misc"}
    assert [path for path in SOURCES if drawers & {path.stem, *path.relative_to(ROOT).parts}] == []


def test_no_text_names_a_registry_or_a_path_of_one_machine() -> None:
    host = re.compile(
        "|".join(
            left + right
            for left, right in (("py", r"pi\.org"), ("python", "hosted"), ("npm", r"js\.org"), ("deb", r"\.debian"))
        )
    )
    machine = re.compile(r"(?<![\w.])/(?:wo" + r"rk|ro" + r"ot)/")
    named = [
        str(path.relative_to(ROOT))
        for path in TEXTS
        if host.search(path.read_text(errors="replace")) or machine.search(path.read_text(errors="replace"))
    ]
    assert named == []


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_tells_how_to_add_to_it_in_six_lines_at_most(room: str) -> None:
    recipes = re.split(r"^## (?=To (?:add|change|map) )", (ROOT / room / "README.md").read_text(), flags=re.MULTILINE)[
        1:
    ]
    assert recipes
    for recipe in recipes:
        title, _, body = recipe.partition("\n")
        steps = re.findall(r"^\d+\. ", body.split("\n## ")[0], flags=re.MULTILINE)
        assert 1 <= len(steps) <= 6, f"{room}: {title}"


def test_every_decision_is_titled_by_the_decision_and_has_a_status() -> None:
    for path in (ROOT / "docs/decisions").glob("*.md"):
        if path.name == "README.md":
            continue
        text = path.read_text()
        assert re.match(r"# .+\n\nStatus: (accepted|replaced)", text), path.name
        assert "**Context.**" in text or "|" in text, path.name


def test_scapy_is_in_the_extra_lan_and_the_tests_alone() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    with_scapy = {
        name for name, wanted in project["optional-dependencies"].items() if any("scapy" in one for one in wanted)
    }
    locked = {
        path.stem for path in (ROOT / "requirements").glob("*.txt") if re.search(r"^scapy==", path.read_text(), re.M)
    }
    assert with_scapy == {"lan"}
    assert locked == {"lan", "dev"}


def test_locked_files_carry_a_hash_for_every_package_and_no_address() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        text = path.read_text()
        packages = re.findall(r"^[a-z0-9][^ ]*==[^ ]+.*?(?=^[a-z0-9]|\Z)", text, flags=re.M | re.S)
        assert packages, path.name
        assert all("--hash=sha256:" in package for package in packages), path.name
        assert "://" not in text, path.name
