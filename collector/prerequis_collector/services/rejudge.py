"""Judging the kept history again: what a change of rules changes, and what the machines changed themselves."""

import gc
import hashlib
import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from prerequis.v1.report_pb2 import Report
from prerequis_collector.services.judge import (
    KnownSite,
    Machine,
    judge,
    judge_machine,
    known_but_machines,
    with_machines,
)
from prerequis_collector.services.plan import profile_of
from prerequis_collector.services.register import site_message
from prerequis_collector.services.summarise import Summary, summary_of
from prerequis_collector.store.database import Database, Transaction
from prerequis_collector.store.reports import ReportRow, Reports
from prerequis_rules.load import load_pack
from prerequis_rules.memory import Memory
from prerequis_rules.model import Judged, Verdict

NO_RULE = "NO_RULE"
"""In the place of a verdict: the pack has no such rule."""

_SITES_AT_ONCE = 50
_ALLOCATIONS = 200_000
"""Between two looks for cycles by the garbage collector: judging makes many objects and no cycles."""


class Cause(StrEnum):
    """Why a verdict is not what it was."""

    RULE = "rule"
    """The same facts under two packs."""
    MACHINE = "machine"
    """Two reports of a machine under the same pack."""


class Change(NamedTuple):
    """One way in which one rule's verdicts changed at a site."""

    cause: Cause
    rule: str
    finess: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be judged, and by which rules; can be sent to another process."""

    database_url: str
    now: datetime
    """All is judged as of this moment, so that nothing changes because time goes by."""
    rules: Path | None
    """The organisation's own rules in force."""
    candidate: Path | None
    """Own rules to try in their place; None: those in force, and then no change comes from a rule."""
    cache: Path | None


@dataclass(frozen=True, slots=True)
class Rejudged:
    """A site judged again."""

    changes: Counter[Change]
    verdicts: int
    reports: int
    digest: bytes
    """SHA-256 over every verdict of every report, and of the site."""
    summary: Summary
    pack: str
    """Digest of the pack that judged."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """All sites judged again."""

    sites: int
    reports: int
    verdicts: int
    digest: str
    """SHA-256, in hexadecimal, over every verdict: the same whatever the number of processes."""
    changes: Mapping[Change, int]
    pack: str
    """Digest of the pack that judged."""


Verdicts = Mapping[str, Verdict]
"""By rule id."""


class _State(NamedTuple):
    """A machine at one moment of its history."""

    machine: str
    report: bytes
    """SHA-256 of the report."""
    verdicts: Verdicts


class Bench:
    """Where sites are judged, one after the other."""

    def __init__(self, wanted: Wanted) -> None:
        self._now = wanted.now
        self._database = Database(wanted.database_url)
        self._before = load_pack(wanted.rules, cache=wanted.cache)
        self.pack = load_pack(wanted.candidate, cache=wanted.cache) if wanted.candidate else self._before
        self._memories = {pack.digest: Memory(pack) for pack in (self._before, self.pack)}

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def judge_all(self, sites: Sequence[str]) -> list[Rejudged]:
        """Return the sites judged again, in their order; raises NotFound, StorageUnavailable."""
        with self._database.read() as transaction:
            return [self._judge(transaction, site) for site in known_but_machines(transaction, sites)]

    def _judge(self, transaction: Transaction, site: KnownSite) -> Rejudged:
        finess = site.row.finess
        reports = Reports(transaction).of_site(finess)
        newest = {report.agent_id: report for report in reports}
        known = with_machines(site, newest.values())
        judged = judge(self.pack, known, self._now, self._memories[self.pack.digest])
        given = _by_subject(judged.subjects)
        history = list(self._history(known, reports, newest, given))
        changes: Counter[Change] = Counter()
        for earlier, later in pairwise(history):
            if earlier.machine == later.machine:
                changes.update(_changes(Cause.MACHINE, finess, earlier.verdicts, later.verdicts))
        if self.pack is not self._before:
            before = judge(self._before, known, self._now, self._memories[self._before.digest])
            was = {
                subject: {self.pack.current(rule): verdict for rule, verdict in verdicts.items()}
                for subject, verdicts in _by_subject(before.subjects).items()
            }
            for subject in given.keys() | was.keys():
                changes.update(_changes(Cause.RULE, finess, was.get(subject, {}), given.get(subject, {})))
        digest = hashlib.sha256(f"{finess}\n".encode())
        for state in (*history, _State(finess, b"", given.get(finess, {}))):
            digest.update(state.report + "\n".join([*map(" ".join, state.verdicts.items()), ""]).encode())
        verdicts = len(given.get(finess, {})) + sum(len(state.verdicts) for state in history)
        return Rejudged(
            changes, verdicts, len(history), digest.digest(), summary_of(self.pack, judged), self.pack.digest
        )

    def _history(
        self,
        known: KnownSite,
        reports: Iterable[ReportRow],
        newest: Mapping[str, ReportRow],
        given: Mapping[str, Verdicts],
    ) -> Iterator[_State]:
        """Yield the machines as each of the reports has them; `given` is what was said of each by its newest."""
        site, profile = site_message(known.row), profile_of(self.pack, known.row)
        for kept in reports:
            if newest[kept.agent_id] is kept:
                yield _State(kept.agent_id, kept.digest, given[kept.agent_id])
                continue
            machine = Machine(kept.agent_id, Report.FromString(kept.body), kept.collected_at, kept.received_at)
            judged = judge_machine(self.pack, site, profile, machine, self._now, self._memories[self.pack.digest])
            yield _State(kept.agent_id, kept.digest, _verdicts(judged))


def rejudge(
    wanted: Wanted, sites: Sequence[str], *, processes: int, keep: Callable[[Sequence[Summary]], None]
) -> Outcome:
    """Judge the sites again, in that many processes, and return what changed; `keep` is given each batch's summaries.

    Raises PackError, NotFound, StorageUnavailable.
    """
    changes: Counter[Change] = Counter()
    digest, reports, verdicts, pack = hashlib.sha256(), 0, 0, ""
    for batch in _judged(
        wanted, [sites[start : start + _SITES_AT_ONCE] for start in range(0, len(sites), _SITES_AT_ONCE)], processes
    ):
        for one in batch:
            changes.update(one.changes)
            digest.update(one.digest)
            reports += one.reports
            verdicts += one.verdicts
            pack = one.pack
        keep([one.summary for one in batch])
    return Outcome(len(sites), reports, verdicts, digest.hexdigest(), dict(sorted(changes.items())), pack)


def _judged(wanted: Wanted, batches: Sequence[Sequence[str]], processes: int) -> Iterator[list[Rejudged]]:
    """Yield the batches in their order."""
    if processes == 1:
        bench = Bench(wanted)
        try:
            yield from map(bench.judge_all, batches)
        finally:
            bench.close()
        return
    # Not forked: the parent may have threads and an open database.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, _sit, (wanted,)) as pool:
        yield from pool.map(_judge_in_child, batches)


_bench: Bench | None = None
"""That of a child process."""


def _sit(wanted: Wanted) -> None:
    global _bench
    _bench = Bench(wanted)
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS)


def _judge_in_child(sites: Sequence[str]) -> list[Rejudged]:
    assert _bench is not None  # noqa: S101 – set by the initialiser
    return _bench.judge_all(sites)


def _by_subject(subjects: Iterable[Judged]) -> dict[str, Verdicts]:
    """Return what the rules said of each subject."""
    return {one.subject: _verdicts(one) for one in subjects}


def _verdicts(one: Judged) -> Verdicts:
    return dict(zip(one.rules, one.verdicts, strict=True))


def _changes(cause: Cause, finess: str, before: Verdicts, after: Verdicts) -> Iterator[Change]:
    for rule in before.keys() | after.keys():
        was, became = before.get(rule, NO_RULE), after.get(rule, NO_RULE)
        if was != became:
            yield Change(cause, rule, finess, was, became)
