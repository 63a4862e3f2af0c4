"""`enrol`: a ticket becomes an identity, once."""

import json
import stat
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.agent.commands.agent import Agent, one_sentence
from tests.agent.conftest import Authority
from tests.agent.tiny_collector import TinyCollector

from prerequis.command_line import ExitCode


def test_enrolling_keeps_the_identity_for_this_account_alone(enrolled: Agent) -> None:
    assert stat.S_IMODE(enrolled.state.stat().st_mode) == 0o700
    for file in enrolled.state.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    found = enrolled.status()
    assert found["enrolled"] is True
    assert (found["finess"], found["site"], found["role"]) == ("990000010", "Site d'essai", "care")
    assert (found["agentId"], found["waiting"]) == ("agent-1", 0)
    assert "Site d'essai (990000010)" in enrolled("status").stdout


def test_enrolling_again_without_a_role_keeps_the_one_that_was_declared(
    enrolled: Agent, collector: TinyCollector, tmp_path: Path
) -> None:
    again = ("enrol", "--ticket", str(collector.ticket(tmp_path / "again.toml")))
    assert enrolled(*again).returncode == ExitCode.DONE
    assert enrolled.status()["role"] == "care"
    assert enrolled(*again, "--role", "secretariat").returncode == ExitCode.DONE
    assert enrolled.status()["role"] == "secretariat"
    (enrolled.state / "config.toml").write_text("abîmé")
    assert enrolled(*again).returncode == ExitCode.DONE
    assert enrolled.status()["role"] == ""


def test_a_wrong_ticket_is_refused_and_leaves_nothing(agent: Agent, collector: TinyCollector, tmp_path: Path) -> None:
    done = agent("enrol", "--ticket", str(collector.ticket(tmp_path / "wrong.toml", secret="sésame")))
    assert done.returncode == ExitCode.REFUSED
    assert one_sentence(done) == "Ticket inconnu : en demander un nouveau.\n"
    assert agent.status()["enrolled"] is False


def test_an_expired_ticket_is_refused_before_it_is_used(agent: Agent, collector: TinyCollector, tmp_path: Path) -> None:
    done = agent("enrol", "--ticket", str(collector.ticket(tmp_path / "old.toml", expires="2020-01-31T00:00:00Z")))
    assert done.returncode == ExitCode.WRONG_INPUT
    assert "a expiré le 31/01/2020" in one_sentence(done)


def test_a_refused_ticket_leaves_an_earlier_enrolment_as_it_was(
    enrolled: Agent, collector: TinyCollector, tmp_path: Path
) -> None:
    before = enrolled.status()
    assert enrolled("enrol", "--ticket", str(collector.ticket(tmp_path / "x.toml", secret="x"))).returncode == 4
    assert enrolled.status() == before


def test_enrolling_where_the_collector_is_away_is_exit_code_3(
    agent: Agent, authority: Authority, tmp_path: Path
) -> None:
    away = TinyCollector(authority, port=9, enrolment_port=9)
    done = agent("enrol", "--ticket", str(away.ticket(tmp_path / "ticket.toml")))
    assert done.returncode == ExitCode.UNREACHABLE
    assert "injoignable" in one_sentence(done)


def test_a_collector_of_another_authority_is_told_apart(agent: Agent, collector: TinyCollector, tmp_path: Path) -> None:
    ticket = collector.ticket(tmp_path / "ticket.toml")
    ticket.write_text(ticket.read_text().replace(collector.authority.pem.decode(), Authority.create().pem.decode()))
    done = agent("enrol", "--ticket", str(ticket))
    assert done.returncode == ExitCode.UNREACHABLE
    assert "n'est pas le collecteur" in one_sentence(done)


def test_a_state_that_cannot_be_written_spends_no_ticket(
    agent: Agent, collector: TinyCollector, tmp_path: Path
) -> None:
    agent.state.write_text("a file where the directory should be")
    done = agent("enrol", "--ticket", str(collector.ticket(tmp_path / "ticket.toml")))
    assert done.returncode == ExitCode.WRONG_INPUT
    assert "pas le droit d'écrire" in one_sentence(done)


def test_a_certificate_past_two_thirds_of_its_life_is_renewed(
    agent: Agent, collector: TinyCollector, tmp_path: Path
) -> None:
    collector.life = (timedelta(days=-80), timedelta(days=10))
    agent.enrol(collector, tmp_path)
    before = agent.status()
    assert agent("send").returncode == ExitCode.DONE
    assert agent("send").returncode == ExitCode.DONE
    assert collector.renewals == 1
    after = agent.status()
    assert after["certificateExpires"] > before["certificateExpires"]
    assert after["agentId"] == before["agentId"]
    assert agent("run", "--now", "--no-line").returncode == ExitCode.DONE


def test_an_expired_certificate_says_what_to_do_and_a_scan_still_works(
    agent: Agent, collector: TinyCollector, tmp_path: Path
) -> None:
    collector.life = (timedelta(days=-80), timedelta(days=-1))
    agent.enrol(collector, tmp_path)
    done = agent("run", "--now")
    assert done.returncode == ExitCode.WRONG_INPUT
    assert "nouveau ticket" in one_sentence(done)
    scan = agent("scan", "--json", "--only", "services")
    assert scan.returncode == ExitCode.DONE
    assert "a expiré" in scan.stderr
    assert json.loads(scan.stdout)["workstation"]["id"] == ""


def test_two_machines_made_from_one_image_have_an_identity_each(collector: TinyCollector, tmp_path: Path) -> None:
    """peers.md §3 row 18: nothing of the hardware or of the system's image is the identity, the key made here is."""
    keys = set()
    for name in ("one", "other"):
        machine = Agent(tmp_path / name)
        machine.enrol(collector, tmp_path)
        assert machine("run", "--now", "--no-line").returncode == ExitCode.DONE
    for signed in collector.kept.values():
        key = x509.load_der_x509_certificate(signed.certificate).public_key()
        keys.add(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    assert len(keys) == len(collector.kept) == 2
