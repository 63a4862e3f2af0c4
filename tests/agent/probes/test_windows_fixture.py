"""A fixture host answers as Windows does."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.agent.probes.conftest import FixtureHost

from prerequis_agent.errors import NotPermitted, Unsupported
from prerequis_agent.host import Host
from prerequis_agent.windows.api import LocalAccount, Member, Service, UpdateResults

STORY: dict[str, Any] = {
    "platform": "win32",
    "secrets": [],
    "refused": ["HKLM\\SECURITY", "root/cimv2:Win32_Tpm", "win32:audit_policy"],
    "registry": {
        "HKLM\\SOFTWARE\\Éditeur\\Produit": {"Nom": "Élan", "Mode": 3, "Liste": ["a", "b"], "Brut": {"hex": "00ff"}},
        "HKLM\\SOFTWARE\\WOW6432Node\\Éditeur\\Ancien": {"": "par défaut"},
    },
    "cim": {"root/cimv2:Win32_Battery": [], "root/cimv2:Win32_PnPEntity": [{"Name": "A", "Code": 0}, {"Name": "B"}]},
    "win32": {
        "join_status": 2,
        "administrators": [{"sid": "S-1-5-21-1-2-3-500", "use": 1}],
        "service": {"SCardSvr": {"state": 4, "start": 3}},
        "update_results": {"searched_at": datetime(2026, 11, 1, tzinfo=UTC)},
        "console_user": {},
        "local_accounts": [{"rid": 500, "flags": 2}],
    },
    "files": {"C:\\ProgramData\\essai.txt": "ici"},
}


@pytest.fixture
def host(tmp_path: Path) -> FixtureHost:
    return FixtureHost(tmp_path, STORY, "essai")


def test_keys_and_names_of_the_registry_ignore_case(host: Host) -> None:
    assert host.registry_value("HKLM\\software\\éditeur\\PRODUIT", "nom") == "Élan"
    assert host.registry_values("HKLM\\SOFTWARE\\Éditeur\\Produit") == {
        "Nom": "Élan",
        "Mode": 3,
        "Liste": ["a", "b"],
        "Brut": b"\x00\xff",
    }


def test_each_view_of_the_registry_shows_its_own_keys(host: Host) -> None:
    assert host.registry_keys("HKLM\\SOFTWARE\\Éditeur") == ["Produit"]
    assert host.registry_keys("HKLM\\SOFTWARE\\Éditeur", view32=True) == ["Ancien"]
    assert host.registry_value("HKLM\\SOFTWARE\\Éditeur\\Ancien", "", view32=True) == "par défaut"


def test_what_the_registry_lacks_is_none_and_an_empty_key_is_empty(host: Host) -> None:
    assert host.registry_value("HKLM\\SOFTWARE\\Rien", "x") is None
    assert host.registry_value("HKLM\\SOFTWARE\\Éditeur\\Produit", "x") is None
    assert host.registry_values("HKLM\\SOFTWARE") == {}
    assert host.registry_keys("HKLM\\SOFTWARE\\Éditeur\\Produit") == []
    assert host.registry_keys("HKLM\\SOFTWARE\\Rien") is None


def test_a_refused_source_is_refused_with_all_that_is_below(host: Host) -> None:
    with pytest.raises(NotPermitted, match="Security"):
        host.registry_value("HKLM\\Security\\Policy", "x")
    with pytest.raises(NotPermitted, match="Win32_Tpm"):
        host.cim("root/cimv2", "Win32_Tpm", "SpecVersion")
    with pytest.raises(NotPermitted, match="audit_policy"):
        host.win32().audit_policy()


def test_a_class_without_objects_is_empty_and_an_absent_one_is_not_supported(host: Host) -> None:
    assert host.cim("root/cimv2", "Win32_Battery", "Name") == []
    assert host.cim("root/cimv2", "Win32_PnPEntity", "Name", "Code", where={"Name": "A"}) == [{"Name": "A", "Code": 0}]
    assert host.cim("root/cimv2", "Win32_PnPEntity", "Code") == [{"Code": 0}, {"Code": None}]
    with pytest.raises(Unsupported, match="Win32_Absent"):
        host.cim("root/cimv2", "Win32_Absent", "Name")


def test_calls_give_their_own_types(host: Host) -> None:
    win32 = host.win32()
    assert win32.join_status() == 2
    assert win32.administrators() == [Member("S-1-5-21-1-2-3-500", 1)]
    assert (win32.service("scardsvr"), win32.service("absent")) == (Service(4, 3), None)
    assert win32.update_results() == UpdateResults(datetime(2026, 11, 1, tzinfo=UTC))
    assert win32.local_accounts() == [LocalAccount(500, 2)]
    assert win32.console_user() is None
    with pytest.raises(Unsupported, match="machine_sid"):
        win32.machine_sid()


def test_a_windows_path_lies_below_the_root(host: Host) -> None:
    assert host.read_text("C:\\ProgramData\\essai.txt") == "ici"
    assert host.list_dir("C:\\ProgramData") == ["essai.txt"]


def test_another_system_has_nothing_of_windows(tmp_path: Path) -> None:
    questions: list[Callable[[Host], object]] = [
        lambda host: host.registry_value("HKLM\\SOFTWARE", "x"),
        lambda host: host.cim("root/cimv2", "Win32_Battery", "Name"),
        lambda host: host.win32().token(),
    ]
    for ask in questions:
        with pytest.raises(Unsupported, match="Windows"):
            ask(Host(tmp_path, "linux"))
