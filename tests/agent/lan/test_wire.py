"""The check on the wire, on a real cable between network namespaces whose far end speaks with packets of scapy."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.agent.lan.wire_in_namespace import LONGEST_SECONDS

from prerequis.command_line import ExitCode
from prerequis.v1.lan_pb2 import LanCheck
from prerequis_agent import child
from prerequis_agent.__main__ import main
from prerequis_agent.commands import lan as command
from prerequis_agent.config import State
from prerequis_agent.errors import NotPermitted, TimedOut, Unsupported
from prerequis_agent.lan import check

HERE = Path(__file__).parent
NAMESPACE = ("unshare", "--net", "--pid", "--fork", "--kill-child")


def _why_not() -> str:
    if sys.platform != "linux" or os.geteuid() != 0:
        return "a network namespace needs root on Linux"
    if not (shutil.which("unshare") and shutil.which("ip")):
        return "unshare or ip is missing"
    if importlib.util.find_spec("scapy") is None:
        return "scapy is missing"
    cable = "ip link add name near type veth peer name far"
    made = subprocess.run([*NAMESPACE, "sh", "-c", cable], capture_output=True, text=True, check=False)
    return f"no cable in a namespace: {made.stderr.strip()}" if made.returncode else ""


WHY_NOT = _why_not()
on_a_cable = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)


def heard(story: str, interface: str = "") -> dict[str, Any]:
    command = [*NAMESPACE, sys.executable, str(HERE / "wire_in_namespace.py"), story, interface]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@on_a_cable
def test_switch_servers_double_and_shouts_are_heard_without_scapy_in_the_agent() -> None:
    told = heard("everything")
    assert told["switchPort"] == {
        "protocol": "LLDP",
        "port": "GigabitEthernet1/0/12",
        "vlan": 42,
        "model": "Switch 24 ports",
    }
    assert told["dhcpOffers"] == {"addresses": ["10.9.0.1", "10.9.0.254"]}
    assert (told["duplicateAddress"], told["llmnrHeard"], told["netbiosHeard"]) == (True, True, False)
    assert told["scapy"] is False
    assert "infirmerie" not in json.dumps(told)
    assert "02:00" not in json.dumps(told)


@on_a_cable
def test_a_switch_of_cisco_is_heard_and_ends_the_listening_early() -> None:
    told = heard("cisco", "near")
    assert told["switchPort"] == {
        "protocol": "CDP",
        "port": "FastEthernet0/3",
        "vlan": 20,
        "model": "cisco WS-C2960-24TT-L",
    }
    assert told["listenedSeconds"] < LONGEST_SECONDS


@on_a_cable
def test_a_silent_cable_is_told_as_such() -> None:
    told = heard("silence", "near")
    assert "switchPort" not in told
    assert told["dhcpOffers"] == {}
    assert told["duplicateAddress"] is False
    assert told["listenedSeconds"] >= 2.4


@on_a_cable
def test_an_interface_that_is_not_there_is_told() -> None:
    assert heard("silence", "absent0")["Unsupported"].startswith("Il n'y a pas d'interface réseau « absent0 »")


def listening(*prefix: str, before: str = "") -> str:
    """Return the sentence with which a process that may not listen ends."""
    script = f"{before}\nfrom prerequis_agent.lan.check import listen\nlisten('lo', 1.0)"
    done = subprocess.run([*prefix, sys.executable, "-c", script], capture_output=True, text=True, check=False)
    return done.stderr.strip().splitlines()[-1]


@on_a_cable
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is missing")
def test_without_rights_the_technician_is_told_to_take_them() -> None:
    sentence = listening("setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw")
    assert sentence.startswith("prerequis_agent.errors.NotPermitted: ")
    assert "relancer avec sudo ou en administrateur" in sentence


def test_without_scapy_the_technician_is_told_what_to_install() -> None:
    sentence = listening(before="import sys\nsys.modules['scapy'] = None")
    assert sentence.startswith("prerequis_agent.errors.Unsupported: La bibliothèque scapy manque")
    assert "python3-scapy" in sentence


class Silent:
    """A child that says nothing, or ends."""

    pid = 0

    def __init__(self, ends: bool) -> None:
        self._ends = ends

    def receive(self, timeout: float) -> bytes | None:
        if self._ends:
            raise EOFError
        return None

    def end(self) -> str:
        return "signal 9"


@pytest.mark.parametrize("ends", [True, False], ids=["ended", "hanging"])
def test_a_child_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch, ends: bool) -> None:
    monkeypatch.setattr(child, "start", lambda work: Silent(ends))
    monkeypatch.setattr(check, "_GRACE_SECONDS", 0.1)
    with pytest.raises(TimedOut, match="signal 9"):
        check.listen("", 0.1)


def test_what_was_heard_is_kept_for_the_reports_and_damage_is_no_knowledge(tmp_path: Path) -> None:
    state = State(tmp_path)
    now = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
    assert check.kept(state, now) is None
    found = LanCheck(llmnr_heard=True)
    found.checked_at.FromDatetime(now)
    check.keep(state, found)
    assert check.kept(state, now + check.KEPT - timedelta(seconds=1)) == found
    assert check.kept(state, now + check.KEPT) is None
    (tmp_path / "lan-check.json").write_bytes(b"\xff{")
    assert check.kept(state, now) is None


def test_the_command_says_what_is_wrong_and_what_to_do() -> None:
    found = LanCheck(listened_seconds=62.0, duplicate_address=True, netbios_heard=True)
    found.dhcp_offers.addresses.extend(["192.168.1.1", "192.168.1.250"])
    told = command.text(found)
    assert "192.168.1.1, 192.168.1.250. Vérifier que chacun est voulu" in told
    assert "une autre machine utilise celle de ce poste" in told
    assert "(NetBIOS)" in told
    assert "aucun ne s'est annoncé" in told


@pytest.mark.parametrize("error", [NotPermitted, Unsupported])
def test_the_command_ends_with_the_sentence_that_says_why_not(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(interface: str, seconds: float) -> LanCheck:
        raise error("Écouter le câble demande autre chose.")

    monkeypatch.setattr(check, "listen", refuse)
    assert main(["--state", str(tmp_path), "lan", "--seconds", "5"]) == ExitCode.WRONG_INPUT
    assert "Écouter le câble demande autre chose." in capsys.readouterr().err
