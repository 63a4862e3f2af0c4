"""Whether a report is what its agent signed, and worth keeping; gRPC, file share and USB key all lead here."""

import hashlib
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from google.protobuf.message import DecodeError

from prerequis.v1.facts_pb2 import Services
from prerequis.v1.report_pb2 import ConfirmRequest, Receipt, Report, SignedReport
from prerequis_collector.errors import InvalidInput, NotFound, NotIdentified
from prerequis_collector.services.authority import MALFORMED, Authority, Kind, named_by
from prerequis_collector.services.reachability import note_services
from prerequis_collector.store.agents import Agents
from prerequis_collector.store.database import Transaction
from prerequis_collector.store.reports import ReportRow, Reports
from prerequis_collector.store.sites import Sites

LARGEST_REPORT_BYTES = 1024 * 1024
# A scan of one machine is a few kilobytes; a clock may be a little fast; history is kept for two years.
_FAST_CLOCK = timedelta(minutes=15)
_OLDEST = timedelta(days=731)
# What is confirmed was looked at just now; only a report of its own may come late.
_LONGEST_CONFIRMATION = timedelta(days=1)


class _Refused(Exception):
    """The reason, as one French sentence."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A report whose signature is good; what remains to be known is in the database."""

    digest: bytes
    agent_id: str
    collected_at: datetime
    compressed: bytes
    signature: bytes
    services: Services | None = None
    """What it says of the services that its site needs; None when its machine was not to ask."""


def verify(signed: SignedReport, authority: Authority, now: datetime) -> Verified | Receipt:
    """Return the report checked against its certificate, or the receipt that refuses it."""
    digest = hashlib.sha256(signed.report).digest()
    try:
        agent_id = _signer(signed, authority)
        report = _report(signed.report, now)
    except _Refused as refused:
        return Receipt(digest=digest, state=Receipt.REFUSED, reason=str(refused))
    return Verified(
        digest,
        agent_id,
        report.collected_at.ToDatetime(UTC),
        zlib.compress(signed.report),
        signed.signature,
        report.facts.services if report.facts.HasField("services") else None,
    )


def keep(transaction: Transaction, report: Verified, now: datetime) -> Receipt:
    """Keep a verified report and return its receipt; a repeat changes nothing."""
    finess = Agents(transaction).seen(report.agent_id, now)
    if finess is None:
        return Receipt(
            digest=report.digest,
            state=Receipt.REFUSED,
            reason="Ce poste n'est pas, ou n'est plus, enrôlé : l'enrôler avec un nouveau ticket.",
        )
    row = ReportRow(
        digest=report.digest,
        agent_id=report.agent_id,
        finess=finess,
        collected_at=report.collected_at,
        received_at=now,
        compressed=report.compressed,
        signature=report.signature,
    )
    new = Reports(transaction).keep(row)
    if new:
        Sites(transaction).touch(finess)
        if report.services is not None:
            note_services(transaction, finess, report.services, report.collected_at)
    receipt = Receipt(digest=report.digest, state=Receipt.KEPT if new else Receipt.ALREADY_KEPT)
    receipt.received_at.FromDatetime(now)
    return receipt


def confirm(transaction: Transaction, agent_id: str, request: ConfirmRequest, now: datetime) -> Receipt:
    """Note that the agent's newest report still holds, and return its receipt.

    Raises NotFound when that is not the report that the agent speaks of, InvalidInput when its clock is wrong.
    """
    collected_at = request.collected_at.ToDatetime(UTC)
    if not now - _LONGEST_CONFIRMATION <= collected_at <= now + _FAST_CLOCK:
        raise InvalidInput("L'horloge du poste n'est pas à l'heure : la régler, puis refaire l'observation.")
    finess = Agents(transaction).seen(agent_id, now)
    if finess is None or not Reports(transaction).confirm(agent_id, request.digest, collected_at, now):
        raise NotFound("Ce rapport n'est pas le dernier reçu de ce poste : remettre le rapport entier.")
    Sites(transaction).touch(finess)
    kept = Reports(transaction).find(request.digest)
    report = Report.FromString(kept.body) if kept else Report()
    if report.facts.HasField("services"):
        note_services(transaction, finess, report.facts.services, collected_at)
    receipt = Receipt(digest=request.digest, state=Receipt.ALREADY_KEPT)
    receipt.received_at.FromDatetime(now)
    return receipt


def _signer(signed: SignedReport, authority: Authority) -> str:
    try:
        certificate = x509.load_der_x509_certificate(signed.certificate)
        key = certificate.public_key()
        named = named_by(certificate)
    except (NotIdentified, *MALFORMED) as error:
        raise _Refused("Le certificat joint au rapport est illisible ou ne nomme pas un poste.") from error
    if named.kind is not Kind.AGENT or not authority.vouches_for(certificate):
        raise _Refused("Le rapport est signé par un certificat que ce collecteur n'a pas donné.")
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise _Refused("Le rapport n'est pas signé en ECDSA.")
    try:
        key.verify(signed.signature, signed.report, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise _Refused("La signature du rapport n'est pas la bonne : il a été modifié en chemin.") from None
    return named.name


def _report(body: bytes, now: datetime) -> Report:
    if len(body) > LARGEST_REPORT_BYTES:
        raise _Refused("Le rapport est trop gros.")
    try:
        report = Report.FromString(body)
        collected_at = report.collected_at.ToDatetime(UTC)
    except (DecodeError, ValueError, OverflowError) as error:
        raise _Refused("Le rapport est illisible.") from error
    if not report.HasField("collected_at"):
        raise _Refused("Le rapport ne dit pas quand il a été fait.")
    if collected_at > now + _FAST_CLOCK:
        raise _Refused("L'horloge du poste avance : la régler, puis refaire l'observation.")
    if collected_at < now - _OLDEST:
        raise _Refused("Le rapport a plus de deux ans : régler l'horloge du poste, puis refaire l'observation.")
    return report
