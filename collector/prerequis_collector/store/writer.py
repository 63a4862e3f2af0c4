"""Group commit: one thread writes for everybody, and one commit answers all who waited."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import Empty, Full, Queue
from threading import Thread
from typing import Generic, TypeVar

from prerequis_collector.errors import Overloaded, StorageUnavailable
from prerequis_collector.store.database import LOST, Database, Transaction

T = TypeVar("T")

_ENTANGLEMENTS = 4
"""So often a transaction is begun again: each time the other one, at least, has ended."""


@dataclass(frozen=True, slots=True)
class _Job(Generic[T]):
    work: Callable[[Transaction], T]
    future: Future[T] = field(default_factory=Future)

    def do(self, transaction: Transaction) -> Callable[[], None]:
        """Do the work and return how to tell its outcome after the commit."""
        result = self.work(transaction)
        return lambda: self.future.set_result(result)

    def prepare(self, transaction: Transaction) -> Callable[[], None]:
        """Do the work in a savepoint of its own and return how to tell its outcome after the commit."""
        try:
            with transaction.begin_nested():
                return self.do(transaction)
        except LOST:
            raise  # the whole transaction is lost: SQLite may have rolled it back by itself
        except Exception as error:  # noqa: BLE001 – whatever it is, it belongs to the caller who waits, not to the thread
            failure = error
            return lambda: self.future.set_exception(failure)


class Writer:
    """The only writer of a serving collector; several pieces of work share one transaction and one disk flush."""

    def __init__(self, database: Database, *, capacity: int = 4096, batch: int = 256) -> None:
        self._database = database
        self._batch = batch
        self._queue: Queue[_Job[object] | None] = Queue(capacity)
        self._closed = False
        self._thread = Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Transaction], T]) -> "Future[T]":
        """Return a future that has the result once it is on the disk.

        The work may be done more than once, each time in a new transaction; only what the last one wrote is kept.
        Raises Overloaded when the queue is full. The future carries whatever `work` raised, its own writes undone,
        or StorageUnavailable when the commit failed and nothing of the batch is kept.
        """
        if self._closed:
            raise StorageUnavailable("Le collecteur s'arrête ; réessayer dans un instant.")
        job = _Job(work)
        try:
            self._queue.put_nowait(job)  # type: ignore[arg-type]  # the queue forgets what each job returns
        except Full:
            raise Overloaded("Le collecteur est très sollicité ; réessayer dans quelques minutes.") from None
        return job.future

    @property
    def waiting(self) -> int:
        """How many pieces of work wait for a transaction, about."""
        return self._queue.qsize()

    def close(self) -> None:
        """Write what has been queued, then end the thread."""
        self._closed = True
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            jobs = [first]
            last = False
            while len(jobs) < self._batch:
                try:
                    following = self._queue.get_nowait()
                except Empty:
                    break
                if following is None:
                    last = True
                    break
                jobs.append(following)
            self._write(jobs)
            if last:
                return

    def _write(self, jobs: list[_Job[object]]) -> None:
        running = [job for job in jobs if job.future.set_running_or_notify_cancel()]
        try:
            tellings = self._done(running)
        except Exception as error:  # noqa: BLE001 – whatever it is, those who wait must hear of it, and the thread goes on
            for job in running:
                job.future.set_exception(error)
            return
        for tell in tellings:
            tell()

    def _done(self, jobs: list[_Job[object]]) -> list[Callable[[], None]]:
        """Do the jobs in one transaction and return how to tell their outcomes.

        Collectors that share a database lock the same rows in the order of their own callers: of two that wait for each
        other the server undoes one, which has only to begin again.
        """
        for _ in range(_ENTANGLEMENTS):
            try:
                return self._attempted(jobs)
            except StorageUnavailable as error:
                if not error.entangled:
                    raise
        return self._attempted(jobs)

    def _attempted(self, jobs: list[_Job[object]]) -> list[Callable[[], None]]:
        with self._database.write() as transaction:
            # What is alone in its transaction needs no savepoint: it fails with it.
            return [jobs[0].do(transaction)] if len(jobs) == 1 else [job.prepare(transaction) for job in jobs]
