"""The real registry, filled by `reg import`, answers as a fixture host of the same keys does."""

import sys

assert sys.platform == "win32"

import subprocess
import winreg
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.agent.probes.windows_fixture import FixtureWindows

from prerequis_agent.host import Host

KEY = "HKLM\\SOFTWARE\\Prérequis essai"
KEY32 = "HKLM\\SOFTWARE\\WOW6432Node\\Prérequis essai"
STORY: dict[str, dict[str, Any]] = {
    KEY: {"": "par défaut", "Poste": "Éléonore à l'étage", "Mode": 3, "Drapeaux": 0xFFFFFFFF},
    f"{KEY}\\Sous clé": {"Liste": ["été", "hiver"], "Brut": {"hex": "00ff10"}, "Vide": ""},
    f"{KEY}\\Vide": {},
    f"{KEY32}\\Ancien": {"Version": "1.2"},
}


def reg_file(keys: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the text of a .reg file."""
    lines = ["Windows Registry Editor Version 5.00", ""]
    for key, values in keys.items():
        lines.append(f"[{key.replace('HKLM', 'HKEY_LOCAL_MACHINE', 1)}]")
        for name, value in values.items():
            lines.append(f"{_quoted(name) if name else '@'}={_written(value)}")
        lines.append("")
    return "\r\n".join(lines)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _written(value: Any) -> str:
    match value:
        case int():
            return f"dword:{value:08x}"
        case str():
            return _quoted(value)
        case list():
            return "hex(7):" + ",".join(f"{byte:02x}" for byte in ("\0".join([*value, "", ""])).encode("utf-16-le"))
        case _:
            return "hex:" + ",".join(value["hex"][at : at + 2] for at in range(0, len(value["hex"]), 2))


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    file = tmp_path_factory.mktemp("reg") / "essai.reg"
    file.write_bytes(b"\xff\xfe" + reg_file(STORY).encode("utf-16-le"))
    subprocess.run(["reg", "import", str(file)], check=True, capture_output=True)
    yield Host()
    for key in sorted([*STORY, KEY32], key=len, reverse=True):
        winreg.DeleteKeyEx(winreg.HKEY_LOCAL_MACHINE, key.removeprefix("HKLM\\"), winreg.KEY_WOW64_64KEY)


@pytest.fixture(params=["real", "fixture"])
def host(request: pytest.FixtureRequest, tmp_path: Path, real: Host) -> Host:
    return real if request.param == "real" else Host(tmp_path, windows=FixtureWindows({"registry": STORY}))


def test_every_type_of_value_keeps_its_content(host: Host) -> None:
    assert host.registry_value(KEY, "") == "par défaut"
    assert host.registry_value(KEY, "poste") == "Éléonore à l'étage"
    assert (host.registry_value(KEY, "Mode"), host.registry_value(KEY, "Drapeaux")) == (3, 0xFFFFFFFF)
    assert host.registry_values(f"{KEY}\\sous CLÉ") == {"Liste": ["été", "hiver"], "Brut": b"\x00\xff\x10", "Vide": ""}


def test_what_is_absent_is_none_and_what_is_empty_is_empty(host: Host) -> None:
    assert host.registry_value(KEY, "Absente") is None
    assert host.registry_value(f"{KEY}\\Absente", "Mode") is None
    assert host.registry_keys(f"{KEY}\\Absente") is None
    assert (host.registry_values(f"{KEY}\\Vide"), host.registry_keys(f"{KEY}\\Vide")) == ({}, [])


def test_keys_below_are_listed(host: Host) -> None:
    assert sorted(host.registry_keys(KEY) or []) == ["Sous clé", "Vide"]


def test_each_view_has_its_own_keys_whatever_the_width_of_the_agent(host: Host) -> None:
    """Trap T16: a 32-bit agent on 64-bit Windows would read WOW6432Node."""
    assert host.registry_keys(KEY, view32=True) == ["Ancien"]
    assert host.registry_value(f"{KEY}\\Ancien", "Version", view32=True) == "1.2"
    assert host.registry_value(f"{KEY}\\Ancien", "Version") is None
