"""What a machine hands in on a USB key: the same signed reports as by the network, and by the same door.

A bundle may be brought twice, by anybody: a report is known by its bytes, a request to enrol by its own.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TypeVar

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from google.protobuf.message import DecodeError

from prerequis.sealing import NotSealed, unseal
from prerequis.v1.bundle_pb2 import Bundle, BundleAnswer, SignedBundleAnswer
from prerequis.v1.enrolment_pb2 import EnrolRequest, EnrolResponse
from prerequis.v1.report_pb2 import Receipt, SignedReport
from prerequis_collector.errors import InvalidInput
from prerequis_collector.services import accept
from prerequis_collector.services.audit import note
from prerequis_collector.services.authority import Authority, new_key
from prerequis_collector.services.enrol import enrol
from prerequis_collector.services.signers import Signers
from prerequis_collector.store.database import Transaction
from prerequis_collector.store.offline_enrolments import OfflineEnrolmentRow, OfflineEnrolments

MOST_REPORTS = 20_000
"""In one bundle: half a century of daily reports."""
_TOGETHER = 200
"""Reports kept in one transaction, so that those who come by the network need not wait for long."""

T = TypeVar("T")
Write = Callable[[Callable[[Transaction], T]], T]


def open_bundle(sealed: bytes, identity: str) -> Bundle:
    """Return what was sealed for this collector; raises InvalidInput."""
    try:
        bundle = Bundle.FromString(unseal(sealed, identity))
    except (NotSealed, DecodeError) as error:
        raise InvalidInput(
            "Ce fichier n'est pas un paquet fait pour ce collecteur, ou il est abîmé : refaire « bundle export »."
        ) from error
    if len(bundle.reports) > MOST_REPORTS:
        raise InvalidInput("Ce paquet contient trop de rapports.")
    return bundle


def take(
    bundle: Bundle,
    authority: Authority,
    *,
    enrols: Callable[[Callable[[Transaction], EnrolResponse]], EnrolResponse],
    keeps: Callable[[Callable[[Transaction], list[Receipt]]], list[Receipt]],
    author: str,
    now: datetime,
) -> BundleAnswer:
    """Enrol whom the bundle asks for, keep its reports, and return the answer once all of it is on the disk.

    `enrols` and `keeps` do work in a writing transaction each. Stopped in between, it can be brought again. Raises
    TicketRefused, InvalidInput, StorageUnavailable.
    """
    answer, certificate = BundleAnswer(), b""
    if bundle.HasField("enrolment"):
        answer.enrolment.CopyFrom(enrols(lambda transaction: _enrol(transaction, authority, bundle.enrolment, now)))
        certificate = answer.enrolment.chain[0]
    signers = Signers(authority)
    reports = [_certified(report, certificate) for report in bundle.reports]
    for start in range(0, len(reports), _TOGETHER):
        together = reports[start : start + _TOGETHER]
        answer.receipts.extend(keeps(lambda transaction: _keep(transaction, together, signers, author, now)))  # noqa: B023 – called at once
    answer.answered_at.FromDatetime(now)
    return answer


def _enrol(transaction: Transaction, authority: Authority, asked: EnrolRequest, now: datetime) -> EnrolResponse:
    """Return the certificate for the request, the same whenever it is brought again."""
    request = hashlib.sha256(asked.csr).digest()
    known = OfflineEnrolments(transaction).find(request)
    if known is not None:
        return EnrolResponse.FromString(known.answer)
    given = enrol(transaction, authority, asked.ticket, asked.csr, now)
    answer = EnrolResponse(chain=given.chain, agent_id=given.agent_id, finess=given.finess, site_name=given.site_name)
    row = OfflineEnrolmentRow(
        request=request, agent_id=given.agent_id, answer=answer.SerializeToString(), answered_at=now
    )
    OfflineEnrolments(transaction).add(row)
    return answer


def _certified(report: SignedReport, certificate: bytes) -> SignedReport:
    """Return the report with the certificate that its signer was only now given."""
    if report.certificate or not certificate:
        return report
    return SignedReport(report=report.report, signature=report.signature, certificate=certificate)


def _keep(
    transaction: Transaction, reports: Sequence[SignedReport], signers: Signers, author: str, now: datetime
) -> list[Receipt]:
    checked = [accept.verify(report, signers, now) for report in reports]
    good = [accept.Brought(one, "") for one in checked if isinstance(one, accept.Verified)]
    kept = iter(accept.keep_all(transaction, good, now))
    receipts = list(_receipts(checked, kept))
    counts = {Receipt.State.Name(state).lower(): 0 for state in (Receipt.KEPT, Receipt.ALREADY_KEPT, Receipt.REFUSED)}
    for receipt in receipts:
        counts[Receipt.State.Name(receipt.state).lower()] += 1
    note(transaction, author, "bundle.import", "", now, **counts)
    return receipts


def _receipts(checked: Sequence[accept.Verified | Receipt], kept: Iterator[Receipt | Exception]) -> Iterator[Receipt]:
    for one in checked:
        outcome = one if isinstance(one, Receipt) else next(kept)
        if isinstance(outcome, Exception):
            raise outcome
        yield outcome


def signed(answer: BundleAnswer, authority: Authority, now: datetime) -> SignedBundleAnswer:
    """Return the answer signed in the name of the authority that the machine trusts.

    The key is made for it and forgotten; that its certificate is one for servers tells it from what agents sign.
    """
    key, content = new_key(), answer.SerializeToString()
    certificate = authority.issue_server(key.public_key(), ["localhost"], now)
    return SignedBundleAnswer(
        answer=content,
        signature=key.sign(content, ec.ECDSA(hashes.SHA256())),
        certificate=certificate.public_bytes(serialization.Encoding.DER),
    )
