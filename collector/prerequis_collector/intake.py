"""Where verified reports wait for the transaction that keeps them: those that come during one are kept by the next."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from prerequis.v1.report_pb2 import Receipt
from prerequis_collector.errors import CollectorError, NotIdentified, Overloaded
from prerequis_collector.services.accept import Brought, keep_all
from prerequis_collector.store.database import Transaction

Work = Callable[[Transaction], list[Receipt | NotIdentified]]
Answer = asyncio.Future[Receipt]

_MOST_WAITING = 8192
"""Beyond, a caller is told to come back."""
_MOST_TOGETHER = 512
# A commit costs as much for one report as for fifty. While more come than a handful at a time, the next group is let
# grow a moment; a report that comes alone never waits.
_HANDFUL = 4
_GATHERING_SECONDS = 0.02


class Intake:
    """Groups the reports of one event loop; the first does not wait for others, the others wait for the first."""

    def __init__(
        self, write: Callable[[Work], Awaitable[list[Receipt | NotIdentified]]], now: Callable[[], datetime]
    ) -> None:
        self._write = write
        self._now = now
        self._waiting: list[tuple[Brought, Answer]] = []
        self._writing: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many reports wait for their transaction."""
        return len(self._waiting)

    async def keep(self, brought: Brought) -> Receipt:
        """Return the receipt once the report is on the disk.

        Raises NotIdentified when its bearer is no longer admitted, Overloaded when too many wait, StorageUnavailable.
        """
        if len(self._waiting) >= _MOST_WAITING:
            raise Overloaded("Le collecteur est très sollicité ; réessayer dans quelques minutes.")
        answer: Answer = asyncio.get_running_loop().create_future()
        self._waiting.append((brought, answer))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        return await answer

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                together, self._waiting = self._waiting[:_MOST_TOGETHER], self._waiting[_MOST_TOGETHER:]
                await self._write_together(together)
                if len(together) > _HANDFUL:
                    await asyncio.sleep(_GATHERING_SECONDS)
        finally:
            self._writing = None

    async def _write_together(self, together: list[tuple[Brought, Answer]]) -> None:
        reports, now = [brought for brought, _ in together], self._now()
        outcomes: list[Receipt | Exception]
        try:
            outcomes = [*await self._write(lambda transaction: keep_all(transaction, reports, now))]
        except Exception as error:  # noqa: BLE001 – whatever it is, it belongs to those who wait
            if len(together) > 1 and not isinstance(error, CollectorError):
                # A fault of one of them, which one is not known: it must not be that of the others.
                for one in together:
                    await self._write_together([one])
                return
            outcomes = [error] * len(together)
        for (_, answer), outcome in zip(together, outcomes, strict=True):
            if answer.done():
                continue  # its caller has gone
            if isinstance(outcome, Receipt):
                answer.set_result(outcome)
            else:
                answer.set_exception(outcome)
