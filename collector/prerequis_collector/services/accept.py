"""Whether a report is what its agent signed, and worth keeping; gRPC, file share and USB key all lead here."""

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from google.protobuf.message import DecodeError
from google.protobuf.timestamp_pb2 import Timestamp

from prerequis.v1.facts_pb2 import Services
from prerequis.v1.report_pb2 import ConfirmRequest, Receipt, Report, SignedReport
from prerequis_collector.errors import InvalidInput, NotFound, NotIdentified
from prerequis_collector.services.reachability import note_services
from prerequis_collector.services.signers import NotSigned, Signers
from prerequis_collector.store.agents import Agents
from prerequis_collector.store.database import Transaction
from prerequis_collector.store.reports import NewReport, Reports
from prerequis_collector.store.sites import Sites

LARGEST_REPORT_BYTES = 1024 * 1024
# A scan of one machine is a few kilobytes; a clock may be a little fast; history is kept for two years.
_FAST_CLOCK = timedelta(minutes=15)
_OLDEST = timedelta(days=731)
# What is confirmed was looked at just now; only a report of its own may come late.
_LONGEST_CONFIRMATION = timedelta(days=1)


# A report is a few kilobytes: to make ready the tables for a window of 32 kB takes longer than to compress it, and
# leaves it as long.
_LEVEL, _WINDOW_BITS, _MEMORY_LEVEL = 1, 12, 5


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


@dataclass(frozen=True, slots=True)
class Brought:
    """A verified report and the agent that brought it, most often its own."""

    report: Verified
    bearer: str


def verify(signed: SignedReport, signers: Signers, now: datetime, shown: bytes = b"") -> Verified | Receipt:
    """Return the report checked against its certificate, or the receipt that refuses it.

    `shown` is the certificate, DER, with which TLS verified who brings it; empty when it comes another way.
    """
    digest = hashlib.sha256(signed.report).digest()
    try:
        signer = signers.of(signed.certificate, shown)
        signer.check(signed.signature, signed.report)
        report = _report(signed.report, now)
    except (NotSigned, _Refused) as refused:
        return Receipt(digest=digest, state=Receipt.REFUSED, reason=str(refused))
    return Verified(
        digest,
        signer.agent_id,
        report.collected_at.ToDatetime(UTC),
        _compressed(signed.report),
        signed.signature,
        report.facts.services if report.facts.HasField("services") else None,
    )


def keep(transaction: Transaction, report: Verified, now: datetime) -> Receipt:
    """Keep a verified report, whoever brought it, and return its receipt; a repeat changes nothing."""
    (outcome,) = keep_all(transaction, [Brought(report, "")], now)
    if isinstance(outcome, NotIdentified):
        raise outcome
    return outcome


def keep_all(transaction: Transaction, brought: Sequence[Brought], now: datetime) -> list[Receipt | NotIdentified]:
    """Keep verified reports together, and return for each the receipt, or why its bearer is not heard.

    A bearer is an agent by its certificate; whether it is still admitted is known only here, in the transaction that
    keeps what it brought.
    """
    bearers = {one.bearer for one in brought if one.bearer}
    sites = Agents(transaction).all_seen(bearers | {one.report.agent_id for one in brought}, now)
    heard = [one.report for one in brought if not one.bearer or one.bearer in sites]
    new = Reports(transaction).keep_all([_row(report, sites, now) for report in heard if report.agent_id in sites])
    if new:
        kept = [report for report in heard if report.digest in new]
        Sites(transaction).touch_all({sites[report.agent_id] for report in kept})
        for report in kept:
            if report.services is not None:
                note_services(transaction, sites[report.agent_id], report.services, report.collected_at)
    received_at = Timestamp()
    received_at.FromDatetime(now)
    answers, unanswered = list[Receipt | NotIdentified](), set(new)
    for one in brought:
        if one.bearer and one.bearer not in sites:
            answers.append(NotIdentified("Ce certificat n'est pas, ou n'est plus, accepté par ce collecteur."))
        elif one.report.agent_id not in sites:
            answers.append(_not_enrolled(one.report.digest))
        else:
            # Of the same report twice in one group, the second is the repeat.
            state = Receipt.KEPT if one.report.digest in unanswered else Receipt.ALREADY_KEPT
            unanswered.discard(one.report.digest)
            answers.append(Receipt(digest=one.report.digest, state=state, received_at=received_at))
    return answers


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


def _compressed(body: bytes) -> bytes:
    compressing = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW_BITS, _MEMORY_LEVEL)
    return compressing.compress(body) + compressing.flush()


def _row(report: Verified, sites: Mapping[str, str], now: datetime) -> NewReport:
    return NewReport(
        digest=report.digest,
        agent_id=report.agent_id,
        finess=sites[report.agent_id],
        collected_at=report.collected_at,
        received_at=now,
        compressed=report.compressed,
        signature=report.signature,
    )


def _not_enrolled(digest: bytes) -> Receipt:
    return Receipt(
        digest=digest,
        state=Receipt.REFUSED,
        reason="Ce poste n'est pas, ou n'est plus, enrôlé : l'enrôler avec un nouveau ticket.",
    )


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
