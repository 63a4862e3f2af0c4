"""What a serving collector consists of."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from prerequis_collector.config import Listening
from prerequis_collector.intake import Intake
from prerequis_collector.metrics import Metrics
from prerequis_collector.services.authority import Authority
from prerequis_collector.services.lease import Leases
from prerequis_collector.services.signers import Signers
from prerequis_collector.store.database import Database, Transaction
from prerequis_collector.store.writer import Writer
from prerequis_rules.pack import Pack

T = TypeVar("T")


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Collector:
    """The parts that calls share; reads run in threads, writes in the writer's transactions."""

    database: Database
    writer: Writer
    authority: Authority
    pack: Pack
    reached_at: Listening
    """Under its public name, as agents are told; the ports are known only once the collector listens."""
    leases: Leases = field(default_factory=Leases)
    holder: str = "collector"
    """Tells this collector from the others on its database; the same when it is started anew."""
    now: Callable[[], datetime] = _utc_now
    """This moment, UTC."""
    national_services: bool = True
    """Whether one machine of each site asks the national services too."""
    librespeed: str = ""
    """URL of the organisation's LibreSpeed server, which agents measure too."""
    bundle_recipient: str = ""
    """To which agents without a network seal what they hand in, as age writes it."""
    judging: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while summaries are brought up to date: doing it twice at once would only take twice the time."""
    refreshes: list[asyncio.Task[None]] = field(default_factory=list)
    """Bringing summaries up to date in the background: the one that runs, and the one after it."""

    metrics: Metrics = field(default_factory=Metrics)
    """What it says of itself to whoever watches."""

    signers: Signers = field(init=False)
    intake: Intake = field(init=False)

    def __post_init__(self) -> None:
        self.signers = Signers(self.authority)
        self.intake = Intake(self.write, self.signers, lambda: self.now())

    async def read(self, question: Callable[[Transaction], T]) -> T:
        """Return the answer of one consistent view; raises StorageUnavailable and what the question raises."""

        def ask() -> T:
            with self.database.read() as transaction:
                return question(transaction)

        return await asyncio.to_thread(ask)

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Return what the work returned once it is on the disk; raises Overloaded, StorageUnavailable and its own."""
        return await asyncio.wrap_future(self.writer.submit(work))
