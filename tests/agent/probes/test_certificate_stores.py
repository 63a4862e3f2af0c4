"""How many certificates, of which kind and until which month."""

import base64
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.card_files import NAMES, certificate
from tests.agent.probes.conftest import FixtureHost

from prerequis.v1.certificate_stores_pb2 import CertificateStores, StoredCertificates
from prerequis_agent.errors import ParseError, Unsupported
from prerequis_agent.host import CommandResult, Host
from prerequis_agent.probe import Probe
from prerequis_agent.probes.certificate_stores import PROBE, count, parse_keychain
from prerequis_agent.windows.api import StoredCertificate

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
KEYCHAIN = "/Library/Keychains/System.keychain"
CARD, INSI = certificate(), certificate(card_type=None, common_name="INSI-AUTO", ends=NOW - timedelta(days=400))


def pem(der: bytes) -> str:
    text = base64.encodebytes(der).decode()
    return f"-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n"


def test_each_machine_shows_its_certificates(check: Callable[[Probe], None]) -> None:
    check(PROBE)


def test_a_mac_shows_the_certificates_of_its_own_keychain_and_those_with_a_key() -> None:
    thumbprint = hashlib.sha1(INSI, usedforsecurity=False).hexdigest().upper()
    answers = {
        f"security find-certificate -a -p {KEYCHAIN}": CommandResult(0, pem(CARD) + pem(INSI) + pem(b"none"), ""),
        f"security find-identity {KEYCHAIN}": CommandResult(
            0, f'Policy: X.509 Basic\n  Matching identities\n  1) {thumbprint} "INSI-AUTO"\n     1 found\n', ""
        ),
    }
    seen = PROBE.observe(Host(Path("/nowhere"), "darwin", answers=answers))
    assert isinstance(seen.facts, CertificateStores)
    told = {store.kind: store for store in seen.facts.stores}
    assert {kind: (store.count, store.with_key, store.expired) for kind, store in told.items()} == {
        StoredCertificates.CARD: (1, 0, 0),
        StoredCertificates.INSI: (1, 1, 1),
        StoredCertificates.OTHER: (1, 0, 0),
    }
    assert all(store.machine_store for store in seen.facts.stores)
    assert "trousseau de l'utilisateur" in seen.detail
    assert not any(name in f"{seen.facts} {seen.detail}" for name in NAMES)


def test_linux_says_that_it_has_no_store_of_its_own() -> None:
    with pytest.raises(Unsupported, match="Linux"):
        PROBE.observe(Host(Path("/nowhere"), "linux"))


def test_the_store_of_a_service_leaves_that_of_the_machine(tmp_path: Path) -> None:
    story = {"platform": "win32", "secrets": [], "win32": {"certificates": {"machine": []}}}
    seen = PROBE.observe(FixtureHost(tmp_path, story, "service"))
    assert seen.facts == CertificateStores()
    assert "user" in seen.detail


def test_a_certificate_of_tests_neither_holds_nor_is_expired() -> None:
    rows = [
        StoredCertificate("INSI", has_key=True, ends_at=NOW + timedelta(days=900), test=True),
        StoredCertificate("INSI", has_key=True, ends_at=NOW - timedelta(days=900), test=True),
        StoredCertificate("INSI", has_key=True, ends_at=NOW + timedelta(days=30)),
        StoredCertificate("INSI", has_key=False, ends_at=NOW - timedelta(seconds=1)),
    ]
    (store,) = count(rows, NOW, machine=True)
    assert (store.count, store.with_key, store.test, store.expired) == (4, 3, 2, 1)
    assert store.first_end.ToDatetime() == store.last_end.ToDatetime() == datetime(2026, 12, 1)


@given(
    st.lists(
        st.builds(
            StoredCertificate,
            kind=st.sampled_from(["CARD", "INSI", "IGC_SANTE", "OTHER"]),
            has_key=st.booleans(),
            ends_at=st.none() | st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),
            test=st.booleans(),
        )
    )
)
def test_every_certificate_is_counted_once_and_no_day_is_kept(rows: list[StoredCertificate]) -> None:
    stores = count(rows, NOW, machine=False)
    assert sum(store.count for store in stores) == len(rows)
    assert len({store.kind for store in stores}) == len(stores)
    for store in stores:
        assert store.expired + store.test <= store.count
        for end in (store.first_end, store.last_end):
            assert not store.HasField("first_end") or end.ToDatetime().day == 1


@given(st.text(), st.text("-BEGIN CRTFA\nabc=", max_size=200))
def test_any_text_is_a_keychain_or_a_parse_error(identities: str, certificates: str) -> None:
    try:
        assert parse_keychain(certificates, identities) is not None
        assert all(each.kind == "OTHER" for each in parse_keychain(f"{certificates}{pem(b'x')}", identities))
    except ParseError as problem:
        assert str(problem).endswith(".")
