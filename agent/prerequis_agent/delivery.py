"""Hands the waiting reports to the collector; a report leaves the spool only on its receipt."""

import asyncio
import contextlib
import hashlib
import random
import time
from dataclasses import dataclass

from prerequis.v1.report_pb2 import ConfirmRequest, Receipt, Report
from prerequis_agent import durable
from prerequis_agent.config import State
from prerequis_agent.errors import CollectorBusy, CollectorUnreachable
from prerequis_agent.identity import Identity
from prerequis_agent.spool import Spool, Waiting
from prerequis_agent.uplink import Uplink

_MOST_RETRIES = 2
_FIRST_SPAN_SECONDS = 1.0
_LONGEST_WAIT_SECONDS = 30.0
"""Asked to wait for longer, the command ends: the reports wait better in the spool than a person before a screen."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """How many reports the collector keeps now, and why it refused the others."""

    kept: int
    refusals: tuple[str, ...]

    def __add__(self, other: "Delivery") -> "Delivery":
        """Return both together."""
        return Delivery(self.kept + other.kept, self.refusals + other.refusals)


class _Interrupted(Exception):
    """The collector had enough before it had all."""

    def __init__(self, done: Delivery, problem: CollectorBusy) -> None:
        super().__init__()
        self.done, self.problem = done, problem


def deliver(state: State, spool: Spool, identity: Identity) -> Delivery:
    """Send every waiting report, the oldest first; a collector that has too much to do is asked again, not at once.

    Raises CollectorUnreachable or Refused; what has no receipt by then still waits.
    """
    done, attempt = Delivery(0, ()), 0
    while True:
        try:
            return done + asyncio.run(_deliver(state, spool, identity))
        except _Interrupted as busy:
            done += busy.done
            if attempt == _MOST_RETRIES or busy.problem.after_seconds > _LONGEST_WAIT_SECONDS:
                raise busy.problem from None
            time.sleep(pause_seconds(attempt, busy.problem.after_seconds))
            attempt += 1


def pause_seconds(attempt: int, asked: float) -> float:
    """Return how long to wait before the next attempt: what the collector asked, then a draw from a growing span.

    Drawn from zero on ("full jitter"), so that machines which were sent away together do not come back together.
    """
    return asked + random.SystemRandom().uniform(0, _FIRST_SPAN_SECONDS * 2**attempt)


def confirm(state: State, report: Report, identity: Identity) -> None:
    """Say that a new report tells nothing but what the acknowledged one told, in some fifty bytes.

    Raises CollectorUnreachable, and Refused when the collector wants the whole report.
    """
    request = ConfirmRequest(
        digest=hashlib.sha256(state.acknowledged.read_bytes()).digest(), collected_at=report.collected_at
    )

    async def ask() -> None:
        async with Uplink(state.enrolment().collector, state.authority_pem(), identity) as uplink:
            await uplink.confirm(request)

    asyncio.run(ask())


def take_receipt(state: State, spool: Spool, report: Waiting, receipt: Receipt) -> bool | None:
    """Do what the receipt of a waiting report means; return whether it is kept, None when the receipt does not say."""
    if receipt.state in (Receipt.KEPT, Receipt.ALREADY_KEPT):
        with contextlib.suppress(OSError):  # without it the next report is sent whole, no more
            durable.write(state.acknowledged, report.signed.report)
        spool.remove(report)
        return True
    if receipt.state == Receipt.REFUSED:
        spool.set_aside(report, receipt.reason)
        return False
    return None


async def _deliver(state: State, spool: Spool, identity: Identity) -> Delivery:
    waiting = {report.digest: report for report in spool}
    kept = 0
    refusals: list[str] = []
    address = state.enrolment().collector
    if waiting:
        async with Uplink(address, state.authority_pem(), identity) as uplink:
            try:
                async for receipt in uplink.submit(report.signed for report in list(waiting.values())):
                    report = waiting.pop(receipt.digest, None)
                    if report is None:
                        continue
                    taken = take_receipt(state, spool, report, receipt)
                    if taken:
                        kept += 1
                    elif taken is None:
                        waiting[receipt.digest] = report
                    else:
                        refusals.append(receipt.reason)
            except CollectorBusy as problem:
                raise _Interrupted(Delivery(kept, tuple(refusals)), problem) from None
    if waiting:
        raise CollectorUnreachable(f"Le collecteur {address} n'a pas accusé réception de tout : relancer plus tard.")
    return Delivery(kept, tuple(refusals))
