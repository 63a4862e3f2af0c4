"""Where handed-in reports wait for the transaction that keeps them: those that come during one are kept by the next."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from prerequis.v1.report_pb2 import Receipt, SignedReport
from prerequis_collector.errors import CollectorError, NotIdentified, Overloaded
from prerequis_collector.services.accept import Brought, keep_all, verify
from prerequis_collector.services.identify import Caller
from prerequis_collector.services.signers import Signers
from prerequis_collector.store.database import Transaction

Work = Callable[[Transaction], list[Receipt | NotIdentified]]

_MOST_WAITING = 8192
"""Beyond, a caller is told to come back."""
_MOST_TOGETHER = 512
# A commit costs as much for one report as for fifty, and a signature less after others than between two calls. While
# more come than a handful at a time, the next group grows until nothing new came for a moment; a report that comes
# alone never waits.
_HANDFUL = 4
_MOMENT_SECONDS = 0.005
_MOST_MOMENTS = 10
_BREATH = 32
"""Signatures verified, some 3 ms, before other calls have their turn."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    signed: SignedReport
    bearer: Caller
    answer: asyncio.Future[Receipt] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def tell(self, outcome: Receipt | Exception) -> None:
        if self.answer.done():
            return  # its caller has gone
        if isinstance(outcome, Receipt):
            self.answer.set_result(outcome)
        else:
            self.answer.set_exception(outcome)


class Intake:
    """Groups the reports of one event loop; the first does not wait for others, the others wait for the first."""

    def __init__(
        self,
        write: Callable[[Work], Awaitable[list[Receipt | NotIdentified]]],
        signers: Signers,
        now: Callable[[], datetime],
    ) -> None:
        self._write = write
        self._signers = signers
        self._now = now
        self._waiting: list[_Waiting] = []
        self._writing: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many reports wait for their transaction."""
        return len(self._waiting)

    async def keep(self, signed: SignedReport, bearer: Caller) -> Receipt:
        """Return the receipt: once the report is on the disk, or why it is refused.

        Raises NotIdentified when its bearer is no longer admitted, Overloaded when too many wait, StorageUnavailable.
        """
        if len(self._waiting) >= _MOST_WAITING:
            raise Overloaded("Le collecteur est très sollicité ; réessayer dans quelques minutes.")
        waiting = _Waiting(signed, bearer)
        self._waiting.append(waiting)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        return await waiting.answer

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                together, self._waiting = self._waiting[:_MOST_TOGETHER], self._waiting[_MOST_TOGETHER:]
                verified = await self._verified(together)
                if verified:
                    await self._write_together(verified)
                if len(together) > _HANDFUL:
                    await self._gather()
        finally:
            self._writing = None

    async def _gather(self) -> None:
        """Wait while more come."""
        for _ in range(_MOST_MOMENTS):
            came = len(self._waiting)
            await asyncio.sleep(_MOMENT_SECONDS)
            if len(self._waiting) == came or came >= _MOST_TOGETHER:
                return

    async def _verified(self, together: Sequence[_Waiting]) -> list[tuple[Brought, _Waiting]]:
        """Return the reports that are what their agents signed; the others are answered."""
        verified = []
        for number, waiting in enumerate(together, start=1):
            try:
                outcome = verify(waiting.signed, self._signers, self._now(), waiting.bearer.certificate)
            except Exception as error:  # noqa: BLE001 – whatever it is, it belongs to the one who waits
                waiting.tell(error)
                continue
            if isinstance(outcome, Receipt):
                waiting.tell(outcome)
            else:
                verified.append((Brought(outcome, waiting.bearer.name), waiting))
            if number % _BREATH == 0:
                await asyncio.sleep(0)
        return verified

    async def _write_together(self, together: Sequence[tuple[Brought, _Waiting]]) -> None:
        reports, now = [brought for brought, _ in together], self._now()
        outcomes: Sequence[Receipt | Exception]
        try:
            outcomes = await self._write(lambda transaction: keep_all(transaction, reports, now))
        except Exception as error:  # noqa: BLE001 – whatever it is, it belongs to those who wait
            if len(together) > 1 and not isinstance(error, CollectorError):
                # A fault of one of them, which one is not known: it must not be that of the others.
                for one in together:
                    await self._write_together([one])
                return
            outcomes = [error] * len(together)
        for (_, waiting), outcome in zip(together, outcomes, strict=True):
            waiting.tell(outcome)
