"""`send`: hand the waiting reports to the collector."""

import argparse
import sys

from prerequis.command_line import ExitCode
from prerequis_agent.config import State

HELP = "remet au collecteur les rapports qui attendent"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare no option."""


def run(options: argparse.Namespace) -> ExitCode:
    """Send what waits and say how many reports were taken."""
    state = State(options.state)
    state.enrolment()
    return hand_in(state)


def hand_in(state: State) -> ExitCode:
    """Renew the certificate when its time has come, send what waits, and say what became of it."""
    from datetime import UTC, datetime

    from prerequis_agent.delivery import deliver
    from prerequis_agent.enrolment import current_identity, renew_when_due
    from prerequis_agent.spool import Spool

    spool = Spool(state.spool)
    identity = renew_when_due(state, current_identity(state, datetime.now(UTC)))
    delivery = deliver(state, spool, identity)
    sys.stdout.write(f"Rapports remis : {delivery.kept}.\n")
    for reason in delivery.refusals:
        sys.stderr.write(f"Rapport refusé et mis de côté dans {spool.refused} : {reason}\n")
    return ExitCode.REFUSED if delivery.refusals else ExitCode.DONE
