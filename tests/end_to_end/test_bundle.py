"""Where there is no network, a USB key goes to the collector and comes back."""

import json
import shutil
from pathlib import Path

import pytest
from tests.end_to_end.installation import FINESS, Installation, waiting

from prerequis.command_line import ExitCode


@pytest.fixture
def without_network(prepared: Path, tmp_path: Path) -> Installation:
    """A collector that never serves: nothing can come to it but by the key."""
    made = Installation(tmp_path)
    shutil.copytree(prepared, made.data)
    return made


def _agents(installation: Installation) -> list[dict[str, object]]:
    listed = installation.collector("agent", "list", "--json")
    assert listed.returncode == 0, listed.stderr
    found = json.loads(listed.stdout)["agents"]
    assert isinstance(found, list)
    return found


def test_a_machine_that_never_sees_the_network_enrols_and_reports_by_the_key(
    without_network: Installation, tmp_path: Path
) -> None:
    here = without_network
    ticket, key = here.ticket("offline.toml", "--uses", "1"), tmp_path / "key"
    key.mkdir()
    first = here.agent("bundle", "export", str(key / "pc.paquet"), "--ticket", str(ticket), "--role", "care")
    assert first.returncode == ExitCode.DONE, first.stderr
    assert "Rapports dans" in first.stdout
    assert "demande d'enrôlement comprise" in first.stdout
    sealed = (key / "pc.paquet").read_bytes()
    assert sealed.startswith(b"age-encryption.org/v1\n")
    assert FINESS.encode() not in sealed

    before = len(_agents(here))
    taken = here.collector("bundle", "import", str(key / "pc.paquet"))
    assert taken.returncode == ExitCode.DONE, taken.stderr
    assert f"Site d'essai ({FINESS})" in taken.stdout
    assert "Rapports gardés : 1, déjà reçus : 0, refusés : 0" in taken.stdout

    # Brought a second time it changes nothing, and spends nothing of the ticket.
    again = here.collector("bundle", "import", str(key / "pc.paquet"), "--answer", str(key / "again"))
    assert again.returncode == ExitCode.DONE, again.stderr
    assert "Rapports gardés : 0, déjà reçus : 1, refusés : 0" in again.stdout
    assert len(_agents(here)) == before + 1

    assert here.agent("status", "--json").stdout.count('"enrolled": false') == 1
    answered = here.agent("bundle", "import", str(key / "pc.paquet.reponse"))
    assert answered.returncode == ExitCode.DONE, answered.stderr
    assert answered.stdout == f"Ce poste est rattaché à Site d'essai ({FINESS}).\nRapports remis : 1. En attente : 0.\n"
    state = json.loads(here.agent("status", "--json").stdout)
    assert (state["enrolled"], state["finess"], state["role"], state["waiting"]) == (True, FINESS, "care", 0)
    assert state["agentId"] in {agent["id"] for agent in _agents(here)}
    assert not (tmp_path / "one" / "request.toml").exists()

    # From then on it is a machine like any other that finds no network.
    assert here.agent("run", "--now", "--no-line").returncode == ExitCode.UNREACHABLE
    assert here.agent("bundle", "export", str(key / "second")).stdout.startswith(
        f"Rapports dans {key / 'second'} : 1.\n"
    )
    assert "Rapports gardés : 1" in here.collector("bundle", "import", str(key / "second")).stdout
    assert waiting(here) == 1
    assert here.agent("bundle", "import", str(key / "second.reponse")).stdout == "Rapports remis : 1. En attente : 0.\n"
    assert waiting(here) == 0


def test_what_is_not_the_answer_of_this_collector_changes_nothing(
    without_network: Installation, tmp_path: Path
) -> None:
    here = without_network
    assert here.agent("bundle", "export", str(tmp_path / "none")).returncode == ExitCode.WRONG_INPUT
    ticket = here.ticket("strange.toml")
    assert here.agent("bundle", "export", str(tmp_path / "b"), "--ticket", str(ticket)).returncode == ExitCode.DONE
    for name, content in {"empty": b"", "garbage": b"\x00" * 1000, "bundle": (tmp_path / "b").read_bytes()}.items():
        (tmp_path / name).write_bytes(content)
        done = here.agent("bundle", "import", str(tmp_path / name))
        assert done.returncode == ExitCode.WRONG_INPUT
        assert len(done.stderr.splitlines()) == 1
    assert waiting(here) == 1
    assert (tmp_path / "one" / "request.toml").stat().st_mode & 0o777 == 0o600


def test_a_machine_that_reports_by_the_network_may_also_use_the_key(installation: Installation, tmp_path: Path) -> None:
    installation.enrol()
    assert installation.stop() == 0
    assert installation.agent("run", "--now", "--no-line").returncode == ExitCode.UNREACHABLE
    assert installation.agent("bundle", "export", str(tmp_path / "b")).returncode == ExitCode.DONE
    assert waiting(installation) == 1
    installation.start()
    sent = installation.agent("send")
    assert sent.stdout == "Rapports remis : 1.\n", sent.stderr
    taken = installation.collector("bundle", "import", str(tmp_path / "b"))
    assert "Rapports gardés : 0, déjà reçus : 1, refusés : 0" in taken.stdout
    assert installation.agent("bundle", "import", str(tmp_path / "b.reponse")).returncode == ExitCode.DONE
