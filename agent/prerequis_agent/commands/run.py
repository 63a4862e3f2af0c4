"""`run`: scan, keep the report, and hand it in; what the timer starts."""

import argparse
import contextlib
import sys
from typing import TYPE_CHECKING

from prerequis.command_line import ExitCode
from prerequis_agent.commands.send import hand_in
from prerequis_agent.config import State
from prerequis_agent.probes import probe_names

if TYPE_CHECKING:
    from datetime import datetime

    from prerequis.v1.report_pb2 import Report
    from prerequis_agent.identity import Identity
    from prerequis_agent.spool import Spool

HELP = "observe ce poste et remet le rapport au collecteur"

_ON_BATTERY = "Poste sur batterie : observation remise à plus tard."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--no-line", action="store_true", help="ne mesure pas la ligne")
    parser.add_argument(
        "--now",
        action="store_true",
        help="tout de suite, même sur batterie ou déjà fait aujourd'hui ; d'office sur un terminal",
    )


def run(options: argparse.Namespace) -> ExitCode:
    """Scan and send; a report that cannot be sent now waits in the spool."""
    from datetime import UTC, datetime

    from prerequis_agent.enrolment import current_identity
    from prerequis_agent.spool import Spool

    state = State(options.state)
    state.enrolment()
    identity = current_identity(state, datetime.now(UTC))
    spool = Spool(state.spool)
    if options.now or sys.stdin.isatty():
        names = frozenset(probe_names()) - ({"line"} if options.no_line else set())
        return _observe(state, identity, spool, names, attended=True)
    # The line has a schedule of its own, which the collector keeps for the whole site.
    return _in_turn(state, identity, spool, measuring=not options.no_line)


def _in_turn(state: State, identity: "Identity", spool: "Spool", *, measuring: bool) -> ExitCode:
    """Observe and measure the line, each when its moment comes, and what is not due not at all."""
    import time
    from datetime import UTC, datetime

    now = datetime.now(UTC)
    scan_at, postponed = _scan_moment(state, now)
    line_at = _line_moment(state, identity, now) if measuring else None
    code = ExitCode.DONE

    def measured() -> None:
        if line_at is not None:
            from prerequis_agent.line_run import measure_in_turn

            sentence = measure_in_turn(state, identity, line_at, time.sleep, lambda: datetime.now(UTC))
            sys.stdout.write(f"{sentence}\n")

    line_first = scan_at is None or (line_at is not None and line_at <= scan_at)
    if line_first:
        measured()
    if scan_at is not None:
        time.sleep(max(0.0, (scan_at - datetime.now(UTC)).total_seconds()))
        postponed = _ON_BATTERY if _on_battery() else ""
    if postponed:
        sys.stdout.write(f"{postponed}\n")
        code = hand_in(state) if len(spool) else ExitCode.DONE
    else:
        code = _observe(state, identity, spool, frozenset(probe_names()) - {"line"}, attended=False)
    if not line_first:
        measured()
    return code


def _observe(state: State, identity: "Identity", spool: "Spool", names: frozenset[str], *, attended: bool) -> ExitCode:
    from prerequis_agent.errors import CollectorUnreachable
    from prerequis_agent.origin import number
    from prerequis_agent.progress import progress_on
    from prerequis_agent.survey import survey

    report = survey(state, names, progress_on(sys.stderr), sys.stderr.write, attended)
    if not len(spool) and _confirmed(state, report, identity):
        _remember(state, report)
        sys.stdout.write("Rien n'a changé sur ce poste depuis le dernier rapport remis : confirmé.\n")
        return ExitCode.DONE
    number(state, report)
    spool.put(report, identity)
    _remember(state, report)
    try:
        return hand_in(state)
    except CollectorUnreachable as problem:
        raise CollectorUnreachable(f"{problem} Rapports gardés sur ce poste : {len(spool)}.") from problem


def _scan_moment(state: State, now: "datetime") -> "tuple[datetime | None, str]":
    """Return when to look at the machine within the hour, or None and why not now."""
    import random

    from prerequis_agent.schedule import is_due, last_run, moment

    last = last_run(state.last_run)
    if last is not None and not is_due(last, now):
        at = last.ended_at.astimezone()
        return None, f"Poste déjà observé le {at:%d/%m à %H:%M} ; pour recommencer : « prerequis-agent run --now »."
    if _on_battery():
        return None, _ON_BATTERY
    return moment(now, random.SystemRandom()), ""


def _line_moment(state: State, identity: "Identity", now: "datetime") -> "datetime | None":
    """Return when to measure the line within the hour, or None."""
    from prerequis_agent.turns import HORIZON, LATE, turn

    at = turn(state)
    if at is not None and now - at > LATE:
        from prerequis_agent.line_run import new_turn

        at = new_turn(state, identity)
    return at if at is not None and at - now <= HORIZON and not _on_battery() else None


def _on_battery() -> bool:
    from prerequis_agent.schedule import on_battery

    return on_battery()


def _confirmed(state: State, report: "Report", identity: "Identity") -> bool:
    """Return whether the collector has it that its last report still holds; False when the whole is to be sent."""
    from prerequis_agent.delivery import confirm
    from prerequis_agent.enrolment import renew_when_due
    from prerequis_agent.errors import CollectorUnreachable, Refused
    from prerequis_agent.unchanged import acknowledged, is_unchanged

    kept = acknowledged(state)
    if kept is None or not is_unchanged(kept, report):
        return False
    try:
        confirm(state, report, renew_when_due(state, identity))
    except (CollectorUnreachable, Refused):
        return False
    return True


def _remember(state: State, report: "Report") -> None:
    from datetime import UTC, datetime

    from prerequis_agent.schedule import LastRun

    cost = report.cost
    last = LastRun(datetime.now(UTC), cost.wall_seconds, cost.cpu_seconds, cost.memory_bytes)
    with contextlib.suppress(OSError):  # it is looked at once more today, no more
        last.keep(state.last_run)
