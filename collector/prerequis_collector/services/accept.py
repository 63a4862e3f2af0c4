"""Whether a report is what its agent signed, and worth keeping; gRPC, file share and USB key all lead here."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from google.protobuf.message import DecodeError
from google.protobuf.timestamp_pb2 import Timestamp

from prerequis.v1.facts_pb2 import Services
from prerequis.v1.report_pb2 import ConfirmRequest, Receipt, Report, SignedReport
from prerequis_collector.errors import InvalidInput, NotFound, NotIdentified
from prerequis_collector.services.origins import REPLACED, Origins
from prerequis_collector.services.reachability import note_services
from prerequis_collector.services.signers import NotSigned, Signers
from prerequis_collector.store.agents import Agents
from prerequis_collector.store.batches import Standing
from prerequis_collector.store.database import Transaction
from prerequis_collector.store.packing import packed
from prerequis_collector.store.reports import NewReport, Reports
from prerequis_collector.store.sites import Sites

LARGEST_REPORT_BYTES = 1024 * 1024
# A scan of one machine is a few kilobytes; a clock may be a little fast; history is kept for two years.
_FAST_CLOCK = timedelta(minutes=15)
_OLDEST = timedelta(days=731)
# What is confirmed was looked at just now; only a report of its own may come late.
_LONGEST_CONFIRMATION = timedelta(days=1)
_LONGEST_MACHINE = 32
"""Bytes; a digest."""
_NOT_ENROLLED = "Ce poste n'est pas, ou n'est plus, enrôlé : l'enrôler avec un nouveau ticket."
_NOT_THE_NEWEST = "Ce rapport n'est pas le dernier reçu de ce poste : remettre le rapport entier."


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
    machine: str = ""
    """What tells its machine from others with the same identity, in hexadecimal; "" when it does not say."""
    number: int = 0
    """How many its installation had made by then; 0 when it does not say."""


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
        packed(signed.report),
        signed.signature,
        report.facts.services if report.facts.HasField("services") else None,
        report.origin.machine.hex(),
        report.origin.number,
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
    agents = Agents(transaction).standing(bearers | {one.report.agent_id for one in brought})
    origins = Origins(transaction, agents, now)
    holders = [_holder(one, agents, origins) for one in brought]
    placed = [(one.report, holder) for one, holder in zip(brought, holders, strict=True) if holder is not None]
    new = Reports(transaction).keep_all([_row(report, holder, agents[holder].finess, now) for report, holder in placed])
    fresh = {report.digest: (report, holder) for report, holder in placed if report.digest in new}
    for report, holder in fresh.values():
        origins.count(report, holder)
        # What a machine in quarantine found counts for its site no more than the rest.
        if report.services is not None and not agents[holder].quarantined:
            note_services(transaction, agents[holder].finess, report.services, report.collected_at)
    if fresh:
        Sites(transaction).touch_all({agents[holder].finess for _, holder in fresh.values()})
    # Who carries what others made was there too.
    seen = {holder for _, holder in placed} | {one.bearer for one in brought if one.bearer != one.report.agent_id}
    Agents(transaction).note_seen({agent_id: agents[agent_id] for agent_id in seen & agents.keys()}, now)
    received_at = Timestamp()
    received_at.FromDatetime(now)
    answers, unanswered = list[Receipt | NotIdentified](), set(new)
    for one, place in zip(brought, holders, strict=True):
        if one.bearer and one.bearer not in agents:
            answers.append(NotIdentified("Ce certificat n'est pas, ou n'est plus, accepté par ce collecteur."))
        elif one.report.agent_id not in agents:
            answers.append(_refused(one.report.digest, _NOT_ENROLLED))
        elif place is None:
            answers.append(_refused(one.report.digest, REPLACED))
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
        raise InvalidInput(_clocks(collected_at, now))
    kept = Reports(transaction).find(request.digest)
    # Its own, or that of a copy of it: each machine speaks of what it handed in itself.
    agents = Agents(transaction).standing({agent_id, kept.agent_id}) if kept else {}
    if kept is None or not _is_of(transaction, kept.agent_id, agent_id, agents):
        raise NotFound(_NOT_THE_NEWEST)
    if not Reports(transaction).confirm(kept.agent_id, request.digest, collected_at, now):
        raise NotFound(_NOT_THE_NEWEST)
    holder = agents[kept.agent_id]
    Agents(transaction).note_seen({kept.agent_id: holder}, now)
    Sites(transaction).touch(holder.finess)
    report = Report.FromString(kept.body)
    if report.facts.HasField("services") and not holder.quarantined:
        note_services(transaction, holder.finess, report.facts.services, collected_at)
    receipt = Receipt(digest=request.digest, state=Receipt.ALREADY_KEPT)
    receipt.received_at.FromDatetime(now)
    return receipt


def _holder(one: Brought, agents: Mapping[str, Standing], origins: Origins) -> str | None:
    """Return the id under which a report is kept; None when its bearer or its machine is not heard."""
    heard = (not one.bearer or one.bearer in agents) and one.report.agent_id in agents
    return origins.place(one.report) if heard else None


def _is_of(transaction: Transaction, holder: str, agent_id: str, agents: Mapping[str, Standing]) -> bool:
    """Return whether what the holder handed in was shown with this agent's certificate, and both are admitted."""
    if agent_id not in agents or holder not in agents:
        return False
    return holder == agent_id or any(row.id == holder for row in Agents(transaction).family(agent_id))


def _row(report: Verified, holder: str, finess: str, now: datetime) -> NewReport:
    return NewReport(
        digest=report.digest,
        agent_id=holder,
        finess=finess,
        collected_at=report.collected_at,
        received_at=now,
        compressed=report.compressed,
        signature=report.signature,
    )


def _refused(digest: bytes, reason: str) -> Receipt:
    return Receipt(digest=digest, state=Receipt.REFUSED, reason=reason)


def _clocks(collected_at: datetime, now: datetime) -> str:
    """Return what to do of two clocks of which one must be wrong; which one, only a person can tell."""
    return (
        f"Le rapport est daté du {collected_at:%d/%m/%Y à %H:%M} UTC, "
        + ("il y a plus de deux ans, " if collected_at < now - _OLDEST else "")
        + f"et l'horloge du collecteur dit {now:%d/%m/%Y à %H:%M} UTC : régler celle qui est fausse, celle du poste ou "
        "la sienne, puis refaire l'observation."
    )


def _report(body: bytes, now: datetime) -> Report:
    if len(body) > LARGEST_REPORT_BYTES:
        raise _Refused("Le rapport est trop gros.")
    try:
        report = Report.FromString(body)
        collected_at = report.collected_at.ToDatetime(UTC)
    except (DecodeError, ValueError, OverflowError) as error:
        raise _Refused("Le rapport est illisible.") from error
    if len(report.origin.machine) > _LONGEST_MACHINE:
        raise _Refused("Le rapport dit mal de quelle machine il vient.")
    if not report.HasField("collected_at"):
        raise _Refused("Le rapport ne dit pas quand il a été fait.")
    if not now - _OLDEST <= collected_at <= now + _FAST_CLOCK:
        raise _Refused(_clocks(collected_at, now))
    return report
