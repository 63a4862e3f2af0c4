"""`enrol`: make this machine known to its site's collector."""

import argparse
import contextlib
import sys
from datetime import UTC, datetime
from pathlib import Path

from prerequis.command_line import ExitCode
from prerequis_agent.config import ROLES, State, read_ticket

HELP = "rattache ce poste à son site avec un ticket"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--ticket", type=Path, required=True, metavar="FICHIER", help="le ticket du site")
    parser.add_argument("--role", choices=ROLES, default="", help="à quoi sert le poste")


def run(options: argparse.Namespace) -> ExitCode:
    """Enrol and say where."""
    from prerequis_agent import enrolment, identity, site_plan
    from prerequis_agent.errors import CollectorUnreachable, Refused

    state = State(options.state)
    role = options.role or _role_so_far(state)
    known = enrolment.enrol(state, read_ticket(options.ticket), role, datetime.now(UTC))
    with contextlib.suppress(CollectorUnreachable, Refused):  # it is asked for again at every scan
        site_plan.refresh(state, identity.load(state.identity), attended=True)
    sys.stdout.write(f"Ce poste est rattaché à {known.site} ({known.finess}).\n")
    return ExitCode.DONE


def _role_so_far(state: State) -> str:
    """Return what a machine that enrols again was for; empty for a new one, or where nothing legible tells."""
    from prerequis_agent.errors import ConfigurationError

    with contextlib.suppress(ConfigurationError):
        return state.enrolment().role
    return ""
