"""How fast a park is judged: `python tests/bench/judge_rate.py [--sites 3000] [--machines 8]`.

A synthetic park, the same for the same seed: the facts of a site's machines are pieced together from those of the
shipped rules' cases, nine pieces in ten the same within a site, memory and disks different on every machine. How varied
that is, is told: what is remembered of one machine spares time only where another is alike. Figures are CPU seconds,
beside their goals and under a reference that tells how fast this machine is at the moment; those of the park are each
process's, which are wall seconds where each has a processor to itself. A larger park is told from what the last three
quarters of this one took, and what each process took to load and to judge the first quarter; not from a small one, of
which most goes into what is asked for the first time. Each quarter of one process is told: late sites cost no more.
"""

import argparse
import gc
import hashlib
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from google.protobuf.message import Message

from prerequis.v1.context_pb2 import WorkstationContext
from prerequis.v1.facts_pb2 import Facts
from prerequis.v1.register_pb2 import Site
from prerequis.v1.report_pb2 import Report, Workstation
from prerequis_collector.services.rejudge import Outcome, Wanted, rejudge
from prerequis_collector.services.summarise import Summary
from prerequis_collector.store import migrate
from prerequis_collector.store.agents import AgentRow, Agents
from prerequis_collector.store.database import Database
from prerequis_collector.store.packing import packed
from prerequis_collector.store.reports import NewReport, Reports
from prerequis_collector.store.sites import SiteRow, Sites
from prerequis_rules.judge import judge_site, judge_workstation, unseen_machines
from prerequis_rules.load import load_pack
from prerequis_rules.memory import Memory
from prerequis_rules.model import Scope
from prerequis_rules.needs import site_needs
from prerequis_rules.pack import Pack
from prerequis_rules.score import score_frameworks

SEED = 20261122
NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
PARK = 40_000
ENOUGH = 2000
"""Sites from which the cost of a park is told."""
_ROLES = (Workstation.CARE, Workstation.CARE, Workstation.SECRETARIAT, Workstation.SUPPORT, Workstation.MANAGEMENT)
_ALIKE = 0.9

Pieces = Mapping[str, Sequence[Message]]
"""What the cases say that each probe saw."""


def seeded() -> random.Random:
    """Return the chance by which the park is made, always the same."""
    return random.Random(SEED)  # noqa: S311 – no secret is drawn


def pieces(pack: Pack) -> Pieces:
    """Return the sub-messages of the facts of every case, by field."""
    found: dict[str, list[Message]] = {}
    for rule in pack.of_scope(Scope.WORKSTATION):
        for case in rule.cases:
            if isinstance(case.context, WorkstationContext):
                for field, value in case.context.facts.ListFields():
                    found.setdefault(field.name, []).append(value)
    return found


def site_facts(chance: random.Random, known: Pieces, machines: int) -> list[Facts]:
    """Return the facts of one site's machines."""
    usual = {probe: chance.choice(seen) for probe, seen in known.items()}
    return [_machine_facts(chance, known, usual) for _ in range(machines)]


def _machine_facts(chance: random.Random, known: Pieces, usual: Mapping[str, Message]) -> Facts:
    facts = Facts()
    for probe, seen in known.items():
        own = usual[probe] if chance.random() < _ALIKE else chance.choice(seen)
        getattr(facts, probe).CopyFrom(own)
    facts.machine.memory_bytes = chance.randrange(4 * 2**30, 32 * 2**30)
    facts.machine.system_volume_free_bytes = chance.randrange(2**38)
    return facts


def judge_whole(pack: Pack, machines: Sequence[Facts], memory: Memory | None) -> None:
    """Judge a site as the collector does: machines, site, frameworks, needs."""
    site, profile = (
        Site(finess="750000001", professionals=60, simultaneous_users=20, workstations=60),
        pack.default_profile,
    )
    judged = [
        judge_workstation(
            pack, facts, workstation_id=str(number), role=_ROLES[number % len(_ROLES)], site=site, profile=profile,
            now=NOW, memory=memory,
        )
        for number, facts in enumerate(machines)
    ]  # fmt: skip
    on_site = judge_site(
        pack, site=site, profile=profile, answers={}, workstations=judged, facts=machines, now=NOW, memory=memory
    )
    subjects = [on_site, *judged]
    score_frameworks(pack, subjects, unseen=unseen_machines(site, len(judged)))
    site_needs(pack, subjects)


def fill(database: Database, known: Pieces, sites: int, machines: int) -> list[str]:
    """Keep a park in an empty database and return the sites' numbers."""
    chance, numbers = seeded(), [f"{number:09d}" for number in range(1, sites + 1)]
    for finess in numbers:
        with database.write() as transaction:
            Sites(transaction).save(SiteRow(finess=finess, name="Site", professionals=24, workstations=machines))
            reports = list(_reports(chance, known, finess, machines))
            for report in reports:
                row = AgentRow(id=report.agent_id, finess=finess, fingerprint=report.digest, enrolled_at=NOW)
                Agents(transaction).add(row)
            Reports(transaction).keep_all(reports)
    return numbers


def _reports(chance: random.Random, known: Pieces, finess: str, machines: int) -> Iterator[NewReport]:
    for number, facts in enumerate(site_facts(chance, known, machines)):
        workstation = Workstation(role=_ROLES[number % len(_ROLES)], hostname=f"PC-{number}")
        body = Report(workstation=workstation, facts=facts).SerializeToString(deterministic=True)
        digest = hashlib.sha256(finess.encode() + body).digest()
        yield NewReport(digest, f"{finess}-{number}", finess, NOW, NOW, packed(body), b"")


def cpu_of(work: Callable[[], object], times: int) -> float:
    """Return the CPU seconds of one run, over several."""
    started = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - started) / times


def told(what: str, seconds: float, goal: float) -> None:
    """Write a figure as a rate beside its goal."""
    verdict = "held" if seconds <= goal else "MISSED"
    sys.stdout.write(
        f"{what:<52} {1 / seconds:>10.1f} /s  {seconds * 1000:>10.2f} ms  goal {goal * 1000:g} ms: {verdict}\n"
    )


def main() -> int:
    """Measure and write; return 1 when one process and two do not give the same digest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sites", type=int, default=3000)
    parser.add_argument("--machines", type=int, default=8)
    options = parser.parse_args()
    reference = cpu_of(lambda: sum(number * number for number in range(1_000_000)), 5)
    sys.stdout.write(f"reference (a million squares added): {reference * 1000:.0f} ms; seed {SEED}\n")
    with tempfile.TemporaryDirectory() as folder:
        told("packs loaded and type-checked, cold", cpu_of(load_pack, 3), 2.5)
        pack = load_pack(cache=Path(folder) / "cache")
        gc.freeze()  # as a collector that serves does
        told("packs loaded from the cache", cpu_of(lambda: load_pack(cache=Path(folder) / "cache"), 5), 0.3)
        known, chance = pieces(pack), seeded()
        big = site_facts(chance, known, 50)
        site, profile = Site(finess="750000001"), pack.default_profile
        alone = cpu_of(
            lambda: [
                judge_workstation(
                    pack, facts, workstation_id="pc", role=Workstation.CARE, site=site, profile=profile, now=NOW
                )
                for facts in big
            ],
            3,
        )
        told(f"machines judged alone by {len(pack.of_scope(Scope.WORKSTATION))} rules", alone / len(big), 0.003)
        told("sites of 50 machines judged", cpu_of(lambda: judge_whole(pack, big, Memory(pack)), 5), 0.040)
        return _park(Path(folder), known, options.sites, options.machines)


def _cpu() -> float:
    """Return the CPU seconds of this process and of the children that ended."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def _variety(known: Pieces, sites: int, machines: int) -> str:
    """Return how many distinct forms what the probes of the park's machines saw has."""
    chance = seeded()
    park = [facts for _ in range(sites) for facts in site_facts(chance, known, machines)]
    seen = [(field.name, value) for facts in park for field, value in facts.ListFields() if field.name != "machine"]
    forms = {name.encode() + value.SerializeToString(deterministic=True) for name, value in seen}
    hardware = {facts.machine.SerializeToString(deterministic=True) for facts in park}
    whole = {facts.SerializeToString(deterministic=True) for facts in park}
    return (
        f"{len(park)} machines: {len(whole)} distinct; of {len(seen)} probes, hardware apart, {len(forms)} distinct"
        f" answers; {len(hardware)} distinct hardware\n"
    )


def _park(folder: Path, known: Pieces, sites: int, machines: int) -> int:
    url = f"sqlite:///{folder / 'park.sqlite3'}"
    database = Database(url)
    migrate.upgrade(database)
    numbers = fill(database, known, sites, machines)
    database.close()
    sys.stdout.write(_variety(known, sites, machines))
    wanted = Wanted(url, NOW, None, None, folder / "cache")
    outcomes: list[Outcome] = []
    for processes in (1, 2):
        first, _, _ = _rejudged(wanted, numbers[: sites // 4], processes)
        whole, outcome, spent = _rejudged(wanted, numbers, processes)
        outcomes.append(outcome)
        if processes == 1:
            sys.stdout.write(f"CPU of each quarter, loading not among it: {_quarters(spent)} ms a site\n")
        each = (whole - first) / (sites - sites // 4)
        park = first + each * (PARK - sites // 4)
        what = f"{sites} sites of {machines} re-judged in {processes} process{'es' if processes > 1 else ''}"
        verdict = f"{PARK:,} sites: {park:.0f} s" if sites >= ENOUGH else "too few sites to tell a park"
        if processes == 2 and sites >= ENOUGH:
            verdict += f"  goal 180 s: {'held' if park <= 180 else 'MISSED'}"
        sys.stdout.write(
            f"{what:<52} {1 / each:>10.1f} /s  CPU of each {whole:.1f} s, of which loading and the first quarter "
            f"{first:.1f} s; {each * processes * 1000:.1f} ms a site; {verdict}\n"
        )
    same = outcomes[0] == outcomes[1]
    sys.stdout.write(f"digest {outcomes[0].digest}: {'the same' if same else 'NOT THE SAME'} for 1 and 2 processes\n")
    return 0 if same else 1


def _quarters(spent: Sequence[tuple[int, float]]) -> str:
    """Return what a site of each quarter cost, in milliseconds of CPU; `spent` is told after each batch."""
    marks = [spent[0], *(spent[len(spent) * quarter // 4 - 1] for quarter in (1, 2, 3, 4))]
    pairs = [(one, other) for one, other in pairwise(marks) if other[0] > one[0]]
    return ", ".join(f"{(other[1] - one[1]) / (other[0] - one[0]) * 1000:.1f}" for one, other in pairs)


def _rejudged(wanted: Wanted, sites: Sequence[str], processes: int) -> tuple[float, Outcome, list[tuple[int, float]]]:
    """Return the CPU seconds that each process took, what came out, and those of this one after so many sites."""
    worked, done, spent = _cpu(), 0, list[tuple[int, float]]()

    def keep(batch: Sequence[Summary]) -> None:
        nonlocal done
        done += len(batch)
        spent.append((done, time.process_time()))

    outcome = rejudge(wanted, sites, processes=processes, keep=keep)
    return (_cpu() - worked) / processes, outcome, spent


if __name__ == "__main__":
    sys.exit(main())
