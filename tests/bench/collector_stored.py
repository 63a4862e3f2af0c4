"""Whether what is kept slows down what comes, and what a day without change costs on the disk.

Two collectors, one with few stored reports and one with three million, take the same reports in turns: the figure is
reports per second of server processor time, of the second to the first. Then days on which nothing changes pass: each
machine confirms its report, and what the database has grown by is counted.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.bench.collector_storm import Crowd, Round, connector, enrol, signed  # noqa: E402
from tests.bench.neighbours import Neighbours, verdict  # noqa: E402
from tests.bench.seen_machines import Machines  # noqa: E402
from tests.collector.commands.process import served  # noqa: E402
from tests.collector.conftest import SITE, Identity  # noqa: E402

from prerequis.v1.report_pb2 import ConfirmRequest  # noqa: E402
from prerequis_collector import __main__ as program  # noqa: E402
from prerequis_collector import config  # noqa: E402
from prerequis_collector.opening import opened_database  # noqa: E402
from prerequis_collector.services.accept import confirm  # noqa: E402
from prerequis_collector.store.packing import packed  # noqa: E402

EXPECTED = {"ratio": 0.9, "bytes_per_machine_and_day": 1000.0}
FEW = 10_000
_OLD_AGENTS = 5000
_INDEX = {"it": "ix_reports_newest"}
_WATCHED = 300
"""Machines whose days without change are counted."""
_MACHINES = """
INSERT INTO agents (id, finess, fingerprint, enrolled_at, revoked)
WITH RECURSIVE number(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n < :agents)
SELECT printf('%032x', n), :site, x'', :now, false FROM number
"""
_FILL = """
INSERT INTO reports (digest, agent_id, finess, collected_at, received_at, compressed, signature)
SELECT digest, printf('%032x', n % :agents), :site, strftime('%Y-%m-%d %H:%M:%f000', :from, n || ' seconds'),
       strftime('%Y-%m-%d %H:%M:%f000', :from, n || ' seconds'), :body, randomblob(71)
FROM (WITH RECURSIVE number(n) AS (SELECT :first UNION ALL SELECT n + 1 FROM number WHERE n < :last)
      SELECT n, randomblob(32) AS digest FROM number ORDER BY digest)
"""
_AT_ONCE = 500_000
_HASTE = ("PRAGMA synchronous = OFF", "PRAGMA cache_size = -1000000")
"""While there is nothing to lose yet; of the connection that fills only."""


def make(folder: Path, reports: int) -> Path:
    """Return the folder of a collector that keeps this many reports of machines that are not there any more."""
    data = folder / str(reports)
    for arguments in (["init", "--name", "localhost"], ["site", "add", SITE, "--name", "Les Tilleuls"]):
        assert program.main(["--data", str(data), *arguments]) == 0
    now = datetime.now(UTC)
    known = {"agents": _OLD_AGENTS, "site": SITE, "from": f"{now - timedelta(days=400):%Y-%m-%d %H:%M:%S}"}
    body = packed(Machines().report(0, now).SerializeToString())
    with opened_database(config.load(data)) as database:
        with database.write() as transaction:
            values = {"site": SITE, "now": f"{now:%Y-%m-%d %H:%M:%S.000000}", "agents": _OLD_AGENTS}
            transaction.connection().execute(text(_MACHINES), values)
            newest = transaction.connection().execute(text("SELECT sql FROM sqlite_master WHERE name = :it"), _INDEX)
            create = str(newest.scalar_one())
        with database.engine.connect() as connection:
            # In the order of the digests, then the index at once: both touch each page once, not once for each row.
            connection.exec_driver_sql(f"DROP INDEX {_INDEX['it']}")
            connection.commit()
            for pragma in _HASTE:
                connection.connection.cursor().execute(pragma)
            for first in range(0, reports, _AT_ONCE):
                last = min(first + _AT_ONCE, reports) - 1
                connection.execute(text(_FILL), {**known, "first": first, "last": last, "body": body})
                connection.commit()
                sys.stderr.write(f"{last + 1} reports stored\n")
            connection.exec_driver_sql(create)
            connection.commit()
            connection.invalidate()
    return data


async def measure(folders: Sequence[Path], agents: int, reports: int, rounds: int) -> list[list[Round]]:
    """Return the rounds of each collector, taken in turns."""
    done: list[list[Round]] = [[] for _ in folders]
    with served(folders[0]) as first, served(folders[1]) as second:
        crowds, everybody = list[Crowd](), list[list[Identity]]()
        for data, where in zip(folders, (first, second), strict=True):
            authority, identities = await enrol(data, agents)
            connect = connector(f"localhost:{where.listen.port}", authority, identities)
            crowds.append(Crowd(where.process.pid, connect, agents, "kept"))
            everybody.append(identities)
        machines = Machines()
        for number in range(rounds + 1):
            for crowd, identities, results in zip(crowds, everybody, done, strict=True):
                result = await crowd.hand_in(signed(machines, identities, number, reports if number else 1))
                if number:
                    results.append(result)
        for crowd in crowds:
            await crowd.close()
    return done


def growth(data: Path, days: int) -> float:
    """Return by how many bytes the database grows for each machine and day on which nothing changes."""
    now = datetime.now(UTC)
    newest = text("SELECT agent_id, digest, max(collected_at) FROM reports GROUP BY agent_id")
    with opened_database(config.load(data)) as database:
        with database.read() as transaction:
            known = transaction.connection().execute(newest).all()[:_WATCHED]
            before = _size(transaction.connection().execute(text("PRAGMA page_count")).scalar_one())
        for day in range(1, days + 1):
            later = now + timedelta(days=day)
            with database.write() as transaction:
                for agent_id, digest, _ in known:
                    request = ConfirmRequest(digest=digest)
                    request.collected_at.FromDatetime(later)
                    confirm(transaction, agent_id, request, later)
        with database.read() as transaction:
            after = _size(transaction.connection().execute(text("PRAGMA page_count")).scalar_one())
    return (after - before) / (days * len(known))


def _size(pages: int) -> int:
    return pages * 4096


def main() -> int:
    """Measure, print, and return 1 when a figure is missed or the machine is too busy for it to be valid."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stored", type=int, default=3_000_000, metavar="N")
    parser.add_argument("--agents", type=int, default=60, metavar="N")
    parser.add_argument("--reports", type=int, default=20, metavar="N", help="of each agent in each round")
    parser.add_argument("--rounds", type=int, default=7, choices=range(1, 29), metavar="N")
    parser.add_argument("--days", type=int, default=7, metavar="N", help="days on which nothing changes")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    neighbours = Neighbours()
    with tempfile.TemporaryDirectory() as folder:
        folders = [make(Path(folder), FEW), make(Path(folder), options.stored)]
        few, many = asyncio.run(measure(folders, options.agents, options.reports, options.rounds))
        unchanged = growth(folders[0], options.days)
    ratio = statistics.median(one.rate / other.rate for one, other in zip(many, few, strict=True))
    slow, grown = ratio < EXPECTED["ratio"], unchanged > EXPECTED["bytes_per_machine_and_day"]
    # What others do to the machine changes its figures of time, not those of its disk.
    refusal = neighbours.refusal()
    failed = slow or grown or refusal is not None
    if options.json:
        found = {"ratio": ratio, "bytes_per_machine_and_day": unchanged}
        print(json.dumps({"invalid": refusal, **found, "expected": EXPECTED}))
        return int(failed)
    rates = [statistics.median(one.rate for one in rounds) for rounds in (few, many)]
    print(f"{FEW} stored: {rates[0]:.0f} reports/CPU s; {options.stored} stored: {rates[1]:.0f} reports/CPU s")
    print(f"{verdict(slow, refusal):<8}ratio: {ratio:.2f} (at least {EXPECTED['ratio']})")
    limit = EXPECTED["bytes_per_machine_and_day"]
    print(f"{verdict(grown, None):<8}bytes per machine and day: {unchanged:.1f} (at most {limit:.0f})")
    if refusal:
        print(refusal)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
