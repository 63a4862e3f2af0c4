"""A machine learns by which authorities its collector is to be known, and never forgets one that it still needs."""

import hashlib
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from tests.agent.commands.agent import Agent, one_sentence
from tests.agent.conftest import Authority
from tests.agent.tiny_collector import TinyCollector

from prerequis.command_line import ExitCode

OBSERVE = ("scan", "--only", "services")


def _der(authority: Authority) -> bytes:
    return authority.certificate.public_bytes(Encoding.DER)


def _observe_until(agent: Agent, learned: Callable[[], bool]) -> None:
    """Observe; again where a busy machine was not given its plan in the seconds that a scan waits for it."""
    for _ in range(5):
        assert agent(*OBSERVE).returncode == ExitCode.DONE
        if learned():
            return
    raise AssertionError("the machine never learned")


def _known(agent: Agent) -> list[bytes]:
    """Return what the machine trusts."""
    kept = x509.load_pem_x509_certificates((agent.state / "authority.pem").read_bytes())
    return [one.public_bytes(Encoding.DER) for one in kept]


@pytest.fixture
def root() -> Authority:
    """The authority to come."""
    return Authority.create("Racine à venir")


def _moved(collector: TinyCollector, root: Authority) -> None:
    """Show from now on a certificate that the new authority signed."""
    collector.stop()
    collector.shows = root
    collector.start()


def test_a_machine_that_learned_an_authority_follows_its_collector_there(
    enrolled: Agent, collector: TinyCollector, root: Authority
) -> None:
    collector.gives = _der(collector.authority), _der(root)
    before, after = (hashlib.sha256(b"".join(one)).digest() for one in (collector.gives[:1], collector.gives))
    _observe_until(enrolled, lambda: after in collector.trusts)
    assert _known(enrolled) == [*collector.gives]
    assert list(dict.fromkeys(collector.trusts)) == [before, after]
    assert (enrolled.state / "authority.pem").stat().st_mode & 0o777 == 0o600
    assert "authorities" not in (enrolled.state / "plan.json").read_text()
    _moved(collector, root)
    assert enrolled("run", "--now", "--no-line").returncode == ExitCode.DONE
    assert len(collector.kept) == 1
    # What was withdrawn is forgotten once the collector is known without it.
    collector.gives = (_der(root),)
    _observe_until(enrolled, lambda: _known(enrolled) == [_der(root)])


def test_a_machine_that_did_not_learn_it_says_that_this_is_not_its_collector(
    enrolled: Agent, collector: TinyCollector, root: Authority
) -> None:
    _moved(collector, root)
    done = enrolled("run", "--now", "--no-line")
    assert done.returncode == ExitCode.UNREACHABLE
    assert "n'est pas le collecteur" in one_sentence(done)
    assert _known(enrolled) == [_der(collector.authority)]
    assert len(enrolled.waiting) == 1


def test_an_authority_that_still_proves_the_collector_is_never_forgotten(
    enrolled: Agent, collector: TinyCollector, root: Authority
) -> None:
    collector.gives = (_der(root),)
    _observe_until(enrolled, lambda: _known(enrolled) == [_der(collector.authority), _der(root)])
    assert enrolled("run", "--now", "--no-line").returncode == ExitCode.DONE
    _moved(collector, root)
    _observe_until(enrolled, lambda: _known(enrolled) == [_der(root)])


@pytest.mark.parametrize("given", [b"", b"garbage"])
def test_what_is_no_certificate_is_not_learned(enrolled: Agent, collector: TinyCollector, given: bytes) -> None:
    collector.gives = _der(collector.authority), given
    assert enrolled(*OBSERVE).returncode == ExitCode.DONE
    assert _known(enrolled) == [_der(collector.authority)]


def test_a_damaged_authority_trusts_nobody_and_a_scan_still_works(enrolled: Agent, collector: TinyCollector) -> None:
    collector.trusts.clear()
    (enrolled.state / "authority.pem").write_bytes(b"garbage")
    assert enrolled(*OBSERVE).returncode == ExitCode.DONE
    assert collector.trusts == []
