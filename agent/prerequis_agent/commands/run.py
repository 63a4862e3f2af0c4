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
    from prerequis.v1.report_pb2 import Report
    from prerequis_agent.identity import Identity

HELP = "observe ce poste et remet le rapport au collecteur"


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
    from prerequis_agent.errors import CollectorUnreachable
    from prerequis_agent.progress import progress_on
    from prerequis_agent.spool import Spool
    from prerequis_agent.survey import survey

    state = State(options.state)
    state.enrolment()
    identity = current_identity(state, datetime.now(UTC))
    spool = Spool(state.spool)
    attended = options.now or sys.stdin.isatty()
    postponed = "" if attended else _postponed(state)
    if postponed:
        sys.stdout.write(f"{postponed}\n")
        return hand_in(state) if len(spool) else ExitCode.DONE
    names = frozenset(probe_names()) - ({"line"} if options.no_line else set())
    report = survey(state, names, progress_on(sys.stderr), sys.stderr.write, attended)
    if not len(spool) and _confirmed(state, report, identity):
        _remember(state, report)
        sys.stdout.write("Rien n'a changé sur ce poste depuis le dernier rapport remis : confirmé.\n")
        return ExitCode.DONE
    spool.put(report, identity)
    _remember(state, report)
    try:
        return hand_in(state)
    except CollectorUnreachable as problem:
        raise CollectorUnreachable(f"{problem} Rapports gardés sur ce poste : {len(spool)}.") from problem


def _postponed(state: State) -> str:
    """Wait for this run's moment and return an empty text, or say why it is not to take place."""
    import random
    import time
    from datetime import UTC, datetime

    from prerequis_agent.schedule import is_due, last_run, moment, on_battery

    battery = "Poste sur batterie : observation remise à plus tard."
    now = datetime.now(UTC)
    if not is_due(last_run(state.last_run), now):
        return "Poste déjà observé aujourd'hui."
    if on_battery():
        return battery
    time.sleep((moment(now, random.SystemRandom()) - now).total_seconds())
    return battery if on_battery() else ""


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
