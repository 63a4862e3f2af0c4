"""Bundles: what is in them comes in by the same door as everything else, and whatever else they are is refused."""

import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import pyrage  # type: ignore[import-untyped]  # a compiled module without stubs
import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st
from tests.collector.conftest import SITE, Identity, csr_of, report_of

from prerequis.sealing import MOST_BYTES, MOST_SEALED_BYTES, new_identity, recipient_of, seal, unseal
from prerequis.v1.bundle_pb2 import Bundle, BundleAnswer
from prerequis.v1.enrolment_pb2 import EnrolRequest
from prerequis.v1.report_pb2 import Receipt, SignedReport
from prerequis_collector.errors import InvalidInput, TicketRefused
from prerequis_collector.services.audit import CONSOLE, verify
from prerequis_collector.services.authority import Authority, new_key
from prerequis_collector.services.bundle import open_bundle, signed, take
from prerequis_collector.services.enrol import create_ticket
from prerequis_collector.services.revoke import revoke_agent
from prerequis_collector.store import migrate
from prerequis_collector.store.agents import Agents
from prerequis_collector.store.audit import Audit
from prerequis_collector.store.database import Database, Transaction
from prerequis_collector.store.sites import SiteRow, Sites
from prerequis_collector.store.tickets import Tickets

NOW = datetime.now(UTC).replace(microsecond=0)
KEY = new_identity()
T = TypeVar("T")


class Desk:
    """A collector's database and authority."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.authority = Authority.create(NOW)
        with database.write() as transaction:
            Sites(transaction).save(SiteRow(finess=SITE, name="Les Tilleuls"))
            ticket = create_ticket(transaction, SITE, uses=1, days=1, author=CONSOLE, now=NOW)
        self.ticket = ticket.secret

    def write(self, work: Callable[[Transaction], T]) -> T:
        with self.database.write() as transaction:
            return work(transaction)

    def take(self, bundle: Bundle) -> BundleAnswer:
        return take(bundle, self.authority, enrols=self.write, keeps=self.write, author=CONSOLE, now=NOW)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    database = Database(f"sqlite:///{tmp_path / 'collector.sqlite3'}")
    migrate.upgrade(database)
    yield Desk(database)
    database.close()


def _unsigned(machine: Identity, hostname: str) -> SignedReport:
    """Return a report of a machine that has no certificate yet."""
    report = machine.sign(report_of(hostname, at=NOW))
    report.certificate = b""
    return report


def _asking(desk: Desk, *hostnames: str) -> tuple[Bundle, Identity]:
    key = new_key()
    machine = Identity(key, (b"",))
    bundle = Bundle(enrolment=EnrolRequest(ticket=desk.ticket, csr=csr_of(key)))
    bundle.reports.extend(_unsigned(machine, name) for name in hostnames)
    return bundle, machine


def _states(answer: BundleAnswer) -> list[str]:
    return [Receipt.State.Name(receipt.state) for receipt in answer.receipts]


def test_reports_signed_before_the_certificate_came_are_those_of_the_machine_it_names(desk: Desk) -> None:
    bundle, machine = _asking(desk, "PC-1", "PC-2")
    answer = desk.take(bundle)
    assert _states(answer) == ["KEPT", "KEPT"]
    leaf = x509.load_der_x509_certificate(answer.enrolment.chain[0])
    assert leaf.public_key() == machine.key.public_key()
    assert (answer.enrolment.finess, answer.enrolment.site_name) == (SITE, "Les Tilleuls")


def test_a_bundle_brought_again_enrols_nobody_more_and_keeps_nothing_twice(desk: Desk) -> None:
    bundle, machine = _asking(desk, "PC-1")
    first = desk.take(bundle)
    bundle.reports.append(_unsigned(machine, "PC-1 later"))
    again = desk.take(bundle)
    assert again.enrolment == first.enrolment
    assert _states(again) == ["ALREADY_KEPT", "KEPT"]
    with desk.database.read() as transaction:
        assert len(Agents(transaction).all()) == 1
        (ticket,) = Tickets(transaction).all()
        assert ticket.uses_left == 0
        assert [row.action for _, row in Audit(transaction).last(9) if row] == [
            "ticket.create", "agent.enrol", "bundle.import", "bundle.import",
        ]  # fmt: skip
        assert verify(transaction).faults == ()


def test_a_spent_ticket_enrols_nobody_and_keeps_nothing(desk: Desk) -> None:
    desk.take(_asking(desk)[0])
    other, _ = _asking(desk, "PC-2")
    with pytest.raises(TicketRefused):
        desk.take(other)


def test_nobody_slips_a_report_into_the_bundle_of_another(desk: Desk) -> None:
    bundle, _ = _asking(desk, "PC-1")
    stranger = Identity(new_key(), (b"",))
    bundle.reports.append(_unsigned(stranger, "PC-2"))
    bundle.reports.append(SignedReport(report=b"garbage"))
    assert _states(desk.take(bundle)) == ["KEPT", "REFUSED", "REFUSED"]


def test_a_revoked_machine_hands_in_nothing_by_the_key_either(desk: Desk) -> None:
    bundle, _ = _asking(desk, "PC-1")
    answer = desk.take(bundle)
    desk.write(lambda transaction: revoke_agent(transaction, answer.enrolment.agent_id, author=CONSOLE, now=NOW))
    again = desk.take(bundle)
    assert _states(again) == ["REFUSED"]
    assert "n'est plus, enrôlé" in again.receipts[0].reason


def test_many_reports_come_in_whole(desk: Desk) -> None:
    bundle, _ = _asking(desk, *(f"PC-{number}" for number in range(450)))
    answer = desk.take(bundle)
    assert _states(answer) == ["KEPT"] * 450
    assert len({receipt.digest for receipt in answer.receipts}) == 450


def test_an_answer_is_signed_by_a_certificate_for_servers_of_the_authority(desk: Desk) -> None:
    said = signed(desk.take(_asking(desk)[0]), desk.authority, NOW)
    certificate = x509.load_der_x509_certificate(said.certificate)
    certificate.verify_directly_issued_by(desk.authority.certificate)
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_a_bundle_comes_back_as_it_was_sealed() -> None:
    bundle = Bundle(reports=[SignedReport(report=b"1"), SignedReport(report=b"2")])
    assert open_bundle(seal(bundle.SerializeToString(), recipient_of(KEY)), KEY) == bundle


def test_a_bundle_for_another_collector_stays_closed() -> None:
    sealed = seal(b"", recipient_of(new_identity()))
    with pytest.raises(InvalidInput, match="n'est pas un paquet fait pour ce collecteur"):
        open_bundle(sealed, KEY)


def test_a_bundle_that_swells_is_given_up_before_it_fills_the_memory() -> None:
    packer = zlib.compressobj(9)
    bomb = b"".join(packer.compress(bytes(1024 * 1024)) for _ in range(512)) + packer.flush()
    sealed = pyrage.encrypt(bomb, [pyrage.x25519.Recipient.from_str(recipient_of(KEY))])
    assert len(sealed) < 1024 * 1024
    tracemalloc.start()
    with pytest.raises(InvalidInput):
        open_bundle(sealed, KEY)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * MOST_BYTES


def test_a_file_too_large_is_not_even_opened() -> None:
    with pytest.raises(InvalidInput):
        open_bundle(bytes(MOST_SEALED_BYTES + 1), KEY)


def _opens(sealed: bytes) -> Bundle | None:
    try:
        return open_bundle(sealed, KEY)
    except InvalidInput:
        return None


@given(st.binary(max_size=2000))
def test_no_bytes_do_harm(content: bytes) -> None:
    assert _opens(content) is None
    assert _opens(b"age-encryption.org/v1\n" + content) is None


@given(st.binary(max_size=2000))
def test_no_bytes_sealed_as_they_must_be_do_harm(content: bytes) -> None:
    """Anybody who has a ticket can seal."""
    sealed = seal(content, recipient_of(KEY))
    assert unseal(sealed, KEY) == content
    bundle = _opens(sealed)
    assert bundle is None or bundle.ByteSize() <= 4 * len(content) + 4


@given(st.integers(0, 10**6), st.integers(1, 255))
def test_a_changed_byte_or_a_cut_never_goes_unseen(place: int, change: int) -> None:
    sealed = _SEALED
    at = place % len(sealed)
    assert _opens(sealed[:at]) is None
    changed = bytearray(sealed)
    changed[at] ^= change
    assert _opens(bytes(changed)) is None


_SEALED = seal(Bundle(reports=[SignedReport(report=b"1" * 500)]).SerializeToString(), recipient_of(KEY))
