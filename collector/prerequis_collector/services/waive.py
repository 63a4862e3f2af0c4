"""Accepting a deviation for a time: one person says why, another agrees; the verdict below stays what it is."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from prerequis.v1.waiver_pb2 import Waiver as Message
from prerequis_collector.errors import AlreadyThere, InvalidInput, NotAllowed, NotFound
from prerequis_collector.services.audit import note, operator
from prerequis_collector.services.register import require_site
from prerequis_collector.store.agents import Agents
from prerequis_collector.store.database import Transaction
from prerequis_collector.store.sites import Sites
from prerequis_collector.store.waivers import WaiverRow, Waivers
from prerequis_rules.model import Scope, Waiver
from prerequis_rules.pack import Pack

LONGEST = timedelta(days=366)
"""What deviates for longer is looked at again."""
_LONGEST_REASON = 2000


def propose(
    transaction: Transaction,
    pack: Pack,
    *,
    finess: str,
    rule: str,
    workstation_id: str,
    reason: str,
    expires: datetime,
    author: str,
    now: datetime,
) -> Message:
    """Keep a proposal and return it; raises NotFound, InvalidInput."""
    require_site(transaction, finess)
    known = pack.rules.get(pack.current(rule))
    if known is None:
        raise NotFound(f"Il n'y a pas de règle « {rule} » ; voir « prerequis rules list ».")
    if workstation_id:
        agent = Agents(transaction).find(workstation_id)
        if agent is None or agent.finess != finess:
            raise NotFound(f"Le site « {finess} » n'a pas de poste « {workstation_id} ».")
        if known.scope is not Scope.WORKSTATION:
            raise InvalidInput(f"« {known.id} » juge le site entier : ne pas nommer de poste.")
    if not reason.strip() or len(reason) > _LONGEST_REASON:
        raise InvalidInput(f"Une dérogation se motive, en {_LONGEST_REASON} caractères au plus.")
    if not now < expires <= now + LONGEST:
        raise InvalidInput("Une dérogation finit dans l'année : donner une date à venir, d'ici un an.")
    row = WaiverRow(
        finess=finess,
        rule=known.id,
        agent_id=workstation_id or None,
        reason=reason.strip(),
        author=author,
        proposed_at=now,
        expires_at=expires,
    )
    Waivers(transaction).add(row)
    note(transaction, operator(author), "waiver.propose", row.id, now, finess=finess, rule=row.rule)
    return message(row, now)


def approve(transaction: Transaction, *, finess: str, waiver_id: str, approver: str, now: datetime) -> Message:
    """Put a proposal in force and return it; raises NotFound, NotAllowed, AlreadyThere, InvalidInput."""
    row = _require(transaction, finess, waiver_id)
    if row.ended_at is not None or row.expires_at <= now:
        raise InvalidInput("Cette dérogation est finie : en proposer une autre.")
    if row.approver is not None:
        raise AlreadyThere(f"Cette dérogation a déjà été approuvée par « {row.approver} ».")
    if row.author == approver:
        raise NotAllowed("Une dérogation est approuvée par une autre personne que celle qui la propose.")
    row.approver, row.approved_at = approver, now
    return _changed(transaction, row, operator(approver), "waiver.approve", now)


def end(transaction: Transaction, *, finess: str, waiver_id: str, author: str, now: datetime) -> Message:
    """End a waiver, or withdraw its proposal, and return it; ended before, it stays so. Raises NotFound."""
    row = _require(transaction, finess, waiver_id)
    if row.ended_at is not None:
        return message(row, now)
    row.ended_at = now
    return _changed(transaction, row, operator(author), "waiver.end", now)


def list_waivers(transaction: Transaction, finess: str, organisation: str, now: datetime) -> list[Message]:
    """Return the waivers of one site, or of all that the organisation runs for an empty number; raises NotFound."""
    waivers = Waivers(transaction)
    if finess:
        require_site(transaction, finess)
        return [message(row, now) for row in waivers.of_site(finess)]
    shown = {site.finess for site in Sites(transaction).all(organisation)}
    return [message(row, now) for row in waivers.all() if row.finess in shown]


def laid(pack: Pack, approved: Sequence[WaiverRow], machines: Sequence[str]) -> Iterator[Waiver]:
    """Give what the site's approved waivers cover: each machine by its own, where one stands for all."""
    for row in approved:
        rule = pack.rules.get(pack.current(row.rule))
        if rule is None:
            continue  # a rule that has gone fails nobody
        of_machines = rule.scope is Scope.WORKSTATION
        subjects = [row.agent_id] if row.agent_id else machines if of_machines else [row.finess]
        for subject in subjects:
            yield Waiver(rule.id, subject, row.reason, row.author, row.approver or "", row.expires_at)


def message(row: WaiverRow, now: datetime) -> Message:
    """Return a waiver as people see it at this moment."""
    told = Message(
        id=row.id,
        finess=row.finess,
        rule=row.rule,
        workstation_id=row.agent_id or "",
        reason=row.reason,
        author=row.author,
        approver=row.approver or "",
        state=_state(row, now),
    )
    told.proposed_at.FromDatetime(row.proposed_at)
    told.expires.FromDatetime(row.expires_at)
    if row.approved_at is not None:
        told.approved_at.FromDatetime(row.approved_at)
    return told


def _state(row: WaiverRow, now: datetime) -> Message.State.ValueType:
    if row.ended_at is not None:
        return Message.ENDED
    if row.expires_at <= now:
        return Message.EXPIRED
    return Message.PROPOSED if row.approver is None else Message.IN_FORCE


def _require(transaction: Transaction, finess: str, waiver_id: str) -> WaiverRow:
    row = Waivers(transaction).find(waiver_id)
    if row is None or row.finess != finess:
        raise NotFound(f"Le site « {finess} » n'a pas de dérogation « {waiver_id} » ; voir « prerequis waivers ».")
    return row


def _changed(transaction: Transaction, row: WaiverRow, author: str, action: str, now: datetime) -> Message:
    transaction.add(row)
    transaction.flush()
    Sites(transaction).touch(row.finess)
    note(transaction, author, action, row.id, now, finess=row.finess, rule=row.rule)
    return message(row, now)
