"""The machine's identity, and the state that enrolment leaves."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as some
from tests.agent.conftest import Authority, agent_name

from prerequis_agent import identity
from prerequis_agent.config import Enrolment, State, default_directory, read_ticket, split_address
from prerequis_agent.errors import ConfigurationError


def given_by(authority: Authority, **days: timedelta) -> identity.Identity:
    key = identity.new_key()
    certificate = authority.sign(key.public_key(), agent_name("abc123"), **days)
    return identity.from_chain(key, (certificate.public_bytes(serialization.Encoding.DER),))


# An identity as Windows keeps it: a key that is encrypted, and what this machine's DPAPI cannot have protected.
ELSEWHERE = (
    identity.new_key().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"mot de passe"),
    )
    + b"-----BEGIN PREREQUIS PASSPHRASE-----\nQVVUUkVQT1NURQ==\n-----END PREREQUIS PASSPHRASE-----\n"
)


def test_an_identity_is_kept_for_this_account_only_and_read_again(authority: Authority, tmp_path: Path) -> None:
    known = given_by(authority)
    path = tmp_path / "state" / "identity.pem"
    known.keep(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    again = identity.load(path)
    assert again.agent_id == "abc123"
    assert again.chain == known.chain
    signature = again.sign(b"report")
    known.key.public_key().verify(signature, b"report", ec.ECDSA(hashes.SHA256()))


def test_a_request_proves_possession_of_the_key_and_names_nobody() -> None:
    key = identity.new_key()
    csr = x509.load_der_x509_csr(identity.request(key))
    assert csr.is_signature_valid
    assert csr.public_key() == key.public_key()
    assert len(csr.subject.rdns) == 0
    assert isinstance(key.curve, ec.SECP256R1)


@pytest.mark.parametrize(("days_lived", "due"), [(0, False), (59, False), (61, True), (89, True)])
def test_renewal_is_due_at_two_thirds_of_the_life(authority: Authority, days_lived: int, due: bool) -> None:
    begun = timedelta(days=-days_lived)
    known = given_by(authority, begins=begun, ends=begun + timedelta(days=90))
    assert known.must_renew(datetime.now(UTC)) is due


def test_a_certificate_of_another_key_is_refused(authority: Authority) -> None:
    other = identity.new_key()
    certificate = authority.sign(other.public_key(), agent_name("x")).public_bytes(serialization.Encoding.DER)
    with pytest.raises(ValueError, match="pas celui de la clé"):
        identity.from_chain(identity.new_key(), (certificate,))
    with pytest.raises(ValueError, match="pas celui de la clé"):
        identity.from_chain(other, ())


def test_a_certificate_that_names_no_agent_is_refused(authority: Authority) -> None:
    key = identity.new_key()
    certificate = authority.sign(key.public_key(), [x509.DNSName("localhost")])
    with pytest.raises(ValueError, match="ne nomme pas d'agent"):
        identity.from_chain(key, (certificate.public_bytes(serialization.Encoding.DER),))


@given(content=some.binary(max_size=300))
def test_no_content_of_an_identity_file_escapes_as_another_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("identity") / "identity.pem"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError):
        identity.load(path)


def test_the_key_of_another_machine_is_not_opened(authority: Authority, tmp_path: Path) -> None:
    path = tmp_path / "identity.pem"
    path.write_bytes(ELSEWHERE + given_by(authority).chain_pem())
    with pytest.raises(ConfigurationError, match="que sur le poste qui"):
        identity.load(path)
    with pytest.raises(ConfigurationError, match="que sur le poste qui"):
        identity.passphrase(path)


def test_a_truncated_identity_is_damaged_not_a_crash(authority: Authority, tmp_path: Path) -> None:
    path = tmp_path / "identity.pem"
    given_by(authority).keep(path)
    whole = path.read_bytes()
    for length in range(0, len(whole) - 30, 37):
        path.write_bytes(whole[:length])
        with pytest.raises(ConfigurationError):
            identity.load(path)


@given(site=some.text(some.characters(exclude_categories=["Cs", "Cc"])), role=some.sampled_from(["", "care", "other"]))
def test_what_enrolment_left_is_read_again(tmp_path_factory: pytest.TempPathFactory, site: str, role: str) -> None:
    state = State(tmp_path_factory.mktemp("state"))
    enrolment = Enrolment("localhost:7443", "990000010", site, role)
    state.keep_enrolment(enrolment)
    assert state.enrolment() == enrolment


def test_a_machine_is_enrolled_only_once_everything_is_there(tmp_path: Path) -> None:
    state = State(tmp_path)
    assert not state.is_enrolled
    with pytest.raises(ConfigurationError, match="enrol --ticket"):
        state.enrolment()


@pytest.mark.parametrize("text", ["", "collector = 3", 'collector = "a:1"\nfiness = "1"', "=", "\x00"])
def test_a_damaged_configuration_says_what_to_do(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(ConfigurationError, match="enrol --ticket"):
        State(tmp_path).enrolment()


TICKET = """
collector = "collecteur.test:7443"
authority = "PEM"
secret = "s"
finess = "990000010"
site = "Site d'essai"
expires = 2026-12-01T00:00:00Z
"""


def test_a_ticket_is_read_and_its_door_is_the_collectors_unless_it_says_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "ticket.toml"
    path.write_text(TICKET)
    assert read_ticket(path).enrolment == "collecteur.test:7443"
    assert read_ticket(path).expires == datetime(2026, 12, 1, tzinfo=UTC)
    path.write_text(TICKET + 'enrolment = "collecteur.test:7445"\n')
    assert read_ticket(path).enrolment == "collecteur.test:7445"


@pytest.mark.parametrize(
    ("found", "instead"),
    [
        ('secret = "s"', ""), ('secret = "s"', "secret = 3"), ("2026-12-01T00:00:00Z", '"demain"'), (":7443", ""),
        (":7443", ":99999"), ("expires", "\x00"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_ticket_is_refused_with_a_sentence(tmp_path: Path, found: str, instead: str) -> None:
    path = tmp_path / "ticket.toml"
    path.write_text(TICKET.replace(found, instead))
    with pytest.raises(ConfigurationError, match="pas un ticket valable"):
        read_ticket(path)


def test_an_absent_ticket_and_a_binary_one_are_wrong_input(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="absent"):
        read_ticket(tmp_path / "none")
    (tmp_path / "binary").write_bytes(bytes(range(256)))
    with pytest.raises(ConfigurationError):
        read_ticket(tmp_path / "binary")


@pytest.mark.parametrize(
    ("text", "address"),
    [("localhost:7443", ("localhost", 7443)), ("[::1]:1", ("::1", 1)), ("192.0.2.1:65535", ("192.0.2.1", 65535))],
)
def test_an_address_is_a_host_and_a_port(text: str, address: tuple[str, int]) -> None:
    assert split_address(text) == address


@given(some.text(max_size=20))
def test_any_text_is_an_address_or_a_value_error(text: str) -> None:
    try:
        host, port = split_address(text)
    except ValueError:
        return
    assert host
    assert 0 < port < 65536


def test_each_system_has_its_place_for_state() -> None:
    assert default_directory({"PROGRAMDATA": "D:/Data"}, "win32") == Path("D:/Data/Prerequis/agent")
    assert default_directory({"HOME": "/home/x"}, "darwin").name == "agent"
    assert default_directory({"HOME": "/home/x", "XDG_STATE_HOME": "/home/x/s"}, "linux").name == "prerequis-agent"
