"""`run`: scan, keep the report, and hand it in; what the timer starts."""

import argparse
import sys

from prerequis.command_line import ExitCode
from prerequis_agent.commands.send import hand_in
from prerequis_agent.config import State
from prerequis_agent.probes import probe_names

HELP = "observe ce poste et remet le rapport au collecteur"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--no-line", action="store_true", help="ne mesure pas la ligne")


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
    names = frozenset(probe_names()) - ({"line"} if options.no_line else set())
    spool = Spool(state.spool)
    spool.put(survey(state, names, progress_on(sys.stderr), sys.stderr.write), identity)
    try:
        return hand_in(state)
    except CollectorUnreachable as problem:
        raise CollectorUnreachable(f"{problem} Rapports gardés sur ce poste : {len(spool)}.") from problem
