"""Reports wait for the transaction that keeps them: in groups, each with its own outcome."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from tests.collector.conftest import Identity, report_of

from prerequis.v1.report_pb2 import Receipt, SignedReport
from prerequis_collector import intake as module
from prerequis_collector.errors import NotIdentified, Overloaded, StorageUnavailable
from prerequis_collector.intake import Intake, Work
from prerequis_collector.services.accept import Brought
from prerequis_collector.services.authority import Authority, chain_der, new_key
from prerequis_collector.services.identify import Caller, Role
from prerequis_collector.services.signers import Signers
from prerequis_collector.store.database import Transaction

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
AUTHORITY = Authority.create(NOW)
KEY = new_key()
AGENT = Identity(KEY, tuple(chain_der(AUTHORITY.issue_agent(KEY.public_key(), "a" * 32, NOW), AUTHORITY)))
BEARER = Caller(Role.AGENT, "a" * 32, certificate=AGENT.chain[0])

Keep = Callable[[list[Brought]], list[Receipt | NotIdentified]]


def _kept(reports: list[Brought]) -> list[Receipt | NotIdentified]:
    return [Receipt(digest=one.report.digest, state=Receipt.KEPT) for one in reports]


class Groups:
    """An intake whose transactions are played: each lasts until it may end, and its reports are noted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, keep: Keep = _kept) -> None:
        self.sizes: list[int] = []
        self.writing, self.may_end = asyncio.Event(), asyncio.Event()
        self.may_end.set()

        def noted(_: Transaction | None, reports: list[Brought], __: datetime) -> list[Receipt | NotIdentified]:
            self.sizes.append(len(reports))
            return keep(reports)

        monkeypatch.setattr(module, "keep_all", noted)
        self.intake = Intake(self._write, Signers(AUTHORITY), lambda: NOW)

    async def _write(self, work: Work) -> list[Receipt | NotIdentified]:
        self.writing.set()
        await self.may_end.wait()
        return work(None)  # type: ignore[arg-type]  # what is played has no database

    def keep(self, signed: SignedReport) -> Awaitable[Receipt]:
        return self.intake.keep(signed, BEARER)


def _signed(number: int) -> SignedReport:
    return AGENT.sign(report_of(f"PC-{number}", at=NOW))


async def test_who_comes_alone_waits_for_nobody_and_who_comes_meanwhile_shares_a_transaction(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    groups = Groups(monkeypatch)
    groups.may_end.clear()
    first = asyncio.ensure_future(groups.keep(_signed(0)))
    await groups.writing.wait()
    others = asyncio.gather(*(groups.keep(_signed(number)) for number in range(1, 20)))
    while groups.intake.waiting < 19:
        await asyncio.sleep(0)
    groups.may_end.set()
    receipts = [await first, *await others]
    assert [receipt.state for receipt in receipts] == [Receipt.KEPT] * 20
    assert len({receipt.digest for receipt in receipts}) == 20
    assert groups.sizes == [1, 19]


async def test_a_report_that_is_not_what_was_signed_is_refused_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = Groups(monkeypatch)
    bad = _signed(1)
    bad.report = b"changed"
    good, refused, also = await asyncio.gather(*map(groups.keep, (_signed(0), bad, _signed(2))))
    assert (good.state, refused.state, also.state) == (Receipt.KEPT, Receipt.REFUSED, Receipt.KEPT)
    assert groups.sizes == [2]


async def test_a_fault_of_one_is_not_that_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def keep(reports: list[Brought]) -> list[Receipt | NotIdentified]:
        if any(one.report.digest == wrong for one in reports):
            raise RuntimeError("unforeseen")
        return _kept(reports)

    signed = [_signed(number) for number in range(3)]
    wrong = (await Groups(monkeypatch).keep(signed[1])).digest
    groups = Groups(monkeypatch, keep)
    outcomes = await asyncio.gather(*map(groups.keep, signed), return_exceptions=True)
    assert [isinstance(outcome, RuntimeError) for outcome in outcomes] == [False, True, False]


async def test_a_failed_commit_and_a_revoked_bearer_are_told_to_those_whom_they_concern(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(_: list[Brought]) -> list[Receipt | NotIdentified]:
        raise StorageUnavailable("Le disque est plein.")

    groups = Groups(monkeypatch, full)
    outcomes = await asyncio.gather(*(groups.keep(_signed(number)) for number in range(3)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [StorageUnavailable] * 3
    assert groups.sizes == [3]
    revoked = Groups(monkeypatch, lambda reports: [NotIdentified("Révoqué."), *_kept(reports[1:])])
    gone, kept = await asyncio.gather(revoked.keep(_signed(0)), revoked.keep(_signed(1)), return_exceptions=True)
    assert isinstance(gone, NotIdentified)
    assert isinstance(kept, Receipt)


async def test_beyond_what_may_wait_a_caller_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_WAITING", 2)
    groups = Groups(monkeypatch)
    outcomes = await asyncio.gather(*(groups.keep(_signed(number)) for number in range(3)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Receipt, Receipt, Overloaded]
