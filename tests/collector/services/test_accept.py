"""Whatever comes in is kept or refused; nothing else ever happens."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from tests.collector.conftest import report_of

from prerequis.v1.report_pb2 import Receipt, SignedReport
from prerequis_collector.services.accept import Verified, verify
from prerequis_collector.services.authority import Authority, chain_der, new_key
from prerequis_collector.services.signers import Signers

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
AUTHORITY = Authority.create(NOW)
SIGNERS = Signers(AUTHORITY)
KEY = new_key()
CERTIFICATE = chain_der(AUTHORITY.issue_agent(KEY.public_key(), "a", NOW), AUTHORITY)[0]


def _sign(body: bytes) -> SignedReport:
    return SignedReport(report=body, signature=KEY.sign(body, ec.ECDSA(hashes.SHA256())), certificate=CERTIFICATE)


GOOD = _sign(report_of(at=NOW).SerializeToString())


def _refused(outcome: Verified | Receipt) -> bool:
    return isinstance(outcome, Receipt) and outcome.state == Receipt.REFUSED and outcome.reason.endswith(".")


@given(st.binary(max_size=300))
def test_any_signed_bytes_are_verified_or_refused(body: bytes) -> None:
    outcome = verify(_sign(body), SIGNERS, NOW)
    assert isinstance(outcome, Verified) or _refused(outcome)


@given(st.binary(max_size=100), st.binary(max_size=100), st.binary(max_size=100))
def test_any_bytes_in_all_places_are_refused(body: bytes, signature: bytes, certificate: bytes) -> None:
    assert _refused(verify(SignedReport(report=body, signature=signature, certificate=certificate), SIGNERS, NOW))


@given(st.data())
def test_one_changed_byte_anywhere_is_refused(data: st.DataObject) -> None:
    signed = SignedReport()
    signed.CopyFrom(GOOD)
    field = data.draw(st.sampled_from(["report", "signature", "certificate"]))
    content = bytearray(getattr(signed, field))
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    setattr(signed, field, bytes(content))
    assert _refused(verify(signed, SIGNERS, NOW))


@pytest.mark.parametrize(
    ("ahead", "kept"),
    [
        (timedelta(minutes=14), True),
        (timedelta(minutes=16), False),
        (timedelta(days=-730), True),
        (timedelta(days=-732), False),
    ],
)
def test_a_clock_may_be_a_little_fast_and_a_report_two_years_old(ahead: timedelta, kept: bool) -> None:
    outcome = verify(_sign(report_of(at=NOW + ahead).SerializeToString()), SIGNERS, NOW)
    assert isinstance(outcome, Verified) is kept
