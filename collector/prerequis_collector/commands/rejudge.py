"""`rejudge`: judge the kept history again, and tell what the rules changed from what the machines changed."""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from prerequis.command_line import CommandLine, ExitCode
from prerequis_collector import config
from prerequis_collector.errors import InvalidInput
from prerequis_collector.listing import count, json_document
from prerequis_collector.opening import opened_database
from prerequis_collector.services.audit import CONSOLE, note
from prerequis_collector.services.rejudge import NO_RULE, Cause, Change, Outcome, Wanted, rejudge
from prerequis_collector.services.summarise import Summary, keep_summary
from prerequis_collector.store.database import Database
from prerequis_collector.store.sites import Sites
from prerequis_rules.schema import PackError

HELP = "juge de nouveau tout ce qui est gardé, et dit ce qui change et pourquoi"

_MOST_SITES = 20
_CAUSES = {Cause.RULE: "À cause des règles", Cause.MACHINE: "À cause des postes"}
_VERDICTS = {
    "PASS": "conforme",
    "FAIL": "non conforme",
    "UNKNOWN": "inconnu",
    "NOT_APPLICABLE": "sans objet",
    NO_RULE: "pas de règle",
}


def configure(parser: CommandLine) -> None:
    """Add the arguments."""
    parser.add_argument(
        "--pack", type=Path, metavar="DOSSIER", help="règles propres à essayer à la place des actuelles"
    )
    parser.add_argument("--dry-run", action="store_true", help="ne change rien : dit seulement ce qui changerait")
    parser.add_argument("--at", type=_moment, metavar="MOMENT", help="juge comme à ce moment, UTC (maintenant)")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, metavar="N", help="combien à la fois")
    parser.add_argument("--json", action="store_true", help="un document JSON sur la sortie standard")


def run(arguments: argparse.Namespace) -> ExitCode:
    """Judge, write what changed on stdout; raises InvalidInput, SchemaMismatch, StorageUnavailable."""
    known = config.load(arguments.data)
    if arguments.processes < 1:
        raise InvalidInput("Il faut au moins un processus.")
    now = arguments.at or datetime.now(UTC).replace(microsecond=0)
    wanted = Wanted(known.database_url, now, known.rules, arguments.pack, known.data / "cache")
    with opened_database(known) as database:
        with database.read() as transaction:
            sites = [site.finess for site in Sites(transaction).all()]

        def keep(summaries: Sequence[Summary]) -> None:
            if not arguments.dry_run:
                _write(database, summaries)

        try:
            outcome = rejudge(wanted, sites, processes=min(arguments.processes, max(1, len(sites))), keep=keep)
        except PackError as error:
            raise InvalidInput(f"Les règles sont fautives :\n{error}") from error
        if not arguments.dry_run:
            with database.write() as transaction:
                told = {"at": now.isoformat(), "pack": outcome.pack, "verdicts": outcome.digest}
                note(transaction, CONSOLE, "sites.rejudge", "", datetime.now(UTC), **told)
    sys.stdout.write(json_document(_document(outcome, now)) if arguments.json else "".join(_text(outcome)))
    return ExitCode.DONE


def _moment(text: str) -> datetime:
    """Return the moment of a text in ISO 8601, UTC unless it says otherwise; raises ArgumentTypeError."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} n'est pas un moment : écrire AAAA-MM-JJTHH:MM") from None


def _write(database: Database, summaries: Sequence[Summary]) -> None:
    with database.write() as transaction:
        for summary in summaries:
            keep_summary(transaction, summary)


def _document(outcome: Outcome, now: datetime) -> Mapping[str, object]:
    return {
        "pack": outcome.pack,
        "at": now,
        "sites": outcome.sites,
        "reports": outcome.reports,
        "verdicts": outcome.verdicts,
        "digest": outcome.digest,
        "changes": [{**change._asdict(), "count": many} for change, many in outcome.changes.items()],
    }


def _text(outcome: Outcome) -> Iterator[str]:
    counted = (outcome.sites, "site"), (outcome.reports, "rapport"), (outcome.verdicts, "verdict")
    yield f"{', '.join(count(many, thing) for many, thing in counted)}\n"
    yield f"Empreinte des verdicts : {outcome.digest}\n"
    for cause, heading in _CAUSES.items():
        changes = {change: many for change, many in outcome.changes.items() if change.cause is cause}
        yield f"\n{heading} : {sum(changes.values()) or 'rien ne change'}\n"
        yield from _by_rule(changes)
        yield from _by_site(changes)


def _by_rule(changes: Mapping[Change, int]) -> Iterator[str]:
    verdicts: Counter[tuple[str, str, str]] = Counter()
    sites: Counter[tuple[str, str, str]] = Counter()
    for change, many in changes.items():
        verdicts[change.rule, change.before, change.after] += many
        sites[change.rule, change.before, change.after] += 1
    for (rule, before, after), many in sorted(verdicts.items()):
        where = sites[rule, before, after]
        yield f"  {rule} : {_VERDICTS[before]} → {_VERDICTS[after]} : {many} ({where} site{'s' if where > 1 else ''})\n"


def _by_site(changes: Mapping[Change, int]) -> Iterator[str]:
    sites: Counter[str] = Counter()
    for change, many in changes.items():
        sites[change.finess] += many
    for finess, many in sorted(sites.items(), key=lambda one: (-one[1], one[0]))[:_MOST_SITES]:
        yield f"  site {finess} : {many}\n"
    if len(sites) > _MOST_SITES:
        yield f"  et {len(sites) - _MOST_SITES} sites de plus (--json les donne tous)\n"
