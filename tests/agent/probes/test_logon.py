import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from prerequis.v1.access_pb2 import Logon
from prerequis_agent.host import Host
from prerequis_agent.probe import Probe
from prerequis_agent.probes.logon import PROBE, is_shared


def test_each_machine_shows_how_its_sessions_open(check: Callable[[Probe], None]) -> None:
    check(PROBE)


@pytest.mark.skipif(not Path("/etc/systemd").exists(), reason="only Linux has systemd")
def test_no_file_of_this_machine_opens_a_session_by_itself_unless_grep_finds_it() -> None:
    places = [str(path) for path in map(Path, ("/etc/gdm3", "/etc/lightdm", "/etc/sddm.conf", "/etc/systemd/system"))]
    found = subprocess.run(
        ["grep", "-rsE", "autologin|AutomaticLoginEnable|TimedLoginEnable", *places], capture_output=True, check=False
    )
    facts = PROBE.observe(Host()).facts
    assert isinstance(facts, Logon)
    if not found.stdout:
        assert facts.HasField("automatic")
        assert not facts.automatic


@pytest.mark.parametrize(
    ("name", "shared"),
    [
        ("infirmerie", True),
        ("Poste-Infirmerie2", True),
        ("EHPAD\\Salle.de.soins", True),
        ("accueil@ehpad.fr", True),
        ("VEILLEUR1", True),
        ("Étage3", True),
        ("jean.salle", False),
        ("mlefevre", False),
        ("soinsaux", False),
        ("", False),
        ("42", False),
    ],
)
def test_a_name_of_places_and_trades_alone_is_shared(name: str, shared: bool) -> None:
    assert is_shared(name) is shared
