"""The machine's key at rest on Windows: protected by DPAPI, and opened again by all that uses it."""

import sys

assert sys.platform == "win32"

import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from tests.agent.conftest import Authority, agent_name, private_pem

from prerequis_agent import identity
from prerequis_agent.config import State
from prerequis_agent.enrolment import current_identity
from prerequis_agent.errors import ConfigurationError
from prerequis_agent.windows import dpapi


@pytest.fixture
def known(authority: Authority) -> identity.Identity:
    key = identity.new_key()
    certificate = authority.sign(key.public_key(), agent_name("abc123"))
    return identity.from_chain(key, (certificate.public_bytes(serialization.Encoding.DER),))


def test_what_is_protected_is_opened_again_and_does_not_show_the_secret() -> None:
    for secret in (b"mot de passe", b"", bytes(range(256)) * 40):
        sealed = dpapi.protect(secret)
        assert dpapi.unprotect(sealed) == secret
        assert not secret or secret not in sealed
    with pytest.raises(OSError, match="WinError"):
        dpapi.unprotect(b"nobody protected this")


def test_the_key_never_lies_in_clear(known: identity.Identity, tmp_path: Path) -> None:
    path = tmp_path / "identity.pem"
    known.keep(path)
    content = path.read_bytes()
    assert b"BEGIN PRIVATE KEY" not in content
    assert known.key.private_numbers().private_value.to_bytes(32, "big") not in content
    assert content.count(b"BEGIN ENCRYPTED PRIVATE KEY") == 1
    again = identity.load(path)
    assert again.key.private_numbers() == known.key.private_numbers()
    assert again.chain == known.chain


def test_each_writing_has_a_passphrase_of_its_own(known: identity.Identity, tmp_path: Path) -> None:
    words = []
    for name in ("un.pem", "deux.pem"):
        known.keep(tmp_path / name)
        words.append(identity.passphrase(tmp_path / name))
    assert words[0] != words[1]
    assert min(map(len, words)) == 64


def test_ssl_opens_it_with_the_same_passphrase_and_never_asks_a_person(
    known: identity.Identity, tmp_path: Path
) -> None:
    path = tmp_path / "identity.pem"
    known.keep(path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_cert_chain(path, password=lambda: identity.passphrase(path))
    with pytest.raises(ssl.SSLError):
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(path, password=bytes)


def test_an_identity_in_clear_is_protected_when_the_agent_next_starts(known: identity.Identity, tmp_path: Path) -> None:
    state = State(tmp_path)
    state.identity.write_bytes(private_pem(known.key) + known.chain_pem())
    assert current_identity(state, datetime.now(UTC)).agent_id == "abc123"
    assert b"BEGIN PRIVATE KEY" not in state.identity.read_bytes()
    kept = state.identity.read_bytes()
    assert current_identity(state, datetime.now(UTC)).agent_id == "abc123"
    assert state.identity.read_bytes() == kept


def test_a_damaged_passphrase_says_what_to_do(known: identity.Identity, tmp_path: Path) -> None:
    path = tmp_path / "identity.pem"
    known.keep(path)
    before, begin, after = path.read_bytes().partition(b"-----BEGIN PREREQUIS PASSPHRASE-----\n")
    path.write_bytes(before + begin + b"AAAA" + after[4:])
    with pytest.raises(ConfigurationError, match="que sur le poste qui l'a faite"):
        identity.load(path)
    path.write_bytes(before + known.chain_pem())
    with pytest.raises(ConfigurationError, match="sans de quoi l'ouvrir"):
        identity.load(path)


def test_the_certificates_are_read_around_what_is_not_one(known: identity.Identity, tmp_path: Path) -> None:
    known.keep(tmp_path / "identity.pem")
    assert x509.load_pem_x509_certificates((tmp_path / "identity.pem").read_bytes()) == list(known.chain)
