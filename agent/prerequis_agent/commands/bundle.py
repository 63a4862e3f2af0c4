"""`bundle export` and `bundle import`: hand reports in on a USB key, and take the collector's answer back."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from prerequis.command_line import ExitCode
from prerequis_agent.config import ROLES, State
from prerequis_agent.probes import probe_names

if TYPE_CHECKING:
    from prerequis_agent.spool import Spool

HELP = "remet les rapports sur une clé USB, là où il n'y a pas de réseau"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION", title="actions")
    export = actions.add_parser(
        "export", help="écrit les rapports qui attendent dans un paquet que seul le collecteur peut lire"
    )
    export.add_argument("file", type=Path, metavar="FICHIER", help="le paquet à écrire, sur la clé USB")
    export.add_argument(
        "--ticket", type=Path, metavar="TICKET", help="observe ce poste et demande aussi à l'enrôler, sans réseau"
    )
    export.add_argument("--role", choices=ROLES, default="", help="à quoi sert le poste, avec --ticket")
    brought = actions.add_parser("import", help="prend la réponse du collecteur à un paquet")
    brought.add_argument("file", type=Path, metavar="FICHIER", help="la réponse, rapportée sur la clé USB")


def run(options: argparse.Namespace) -> ExitCode:
    """Write a bundle, or take an answer."""
    state = State(options.state)
    return _import(state, options.file) if options.action == "import" else _export(state, options)


def _export(state: State, options: argparse.Namespace) -> ExitCode:
    from prerequis_agent.bundle import export
    from prerequis_agent.spool import Spool

    spool = Spool(state.spool)
    if options.ticket:
        _observe(state, spool, options.ticket, options.role)
    done = export(state, spool, options.file)
    asking = ", demande d'enrôlement comprise" if done.asks_to_enrol else ""
    sys.stdout.write(f"Rapports dans {options.file} : {done.reports}{asking}.\n")
    if not done.reports:
        sys.stdout.write("Aucun rapport n'attendait : « prerequis-agent run --now » en fait un.\n")
    if done.left:
        sys.stdout.write(f"Rapports restés pour le paquet suivant : {done.left}.\n")
    sys.stdout.write(
        "Le porter au collecteur : prerequis-collector bundle import FICHIER, puis rapporter sa réponse.\n"
    )
    return ExitCode.DONE


def _observe(state: State, spool: "Spool", ticket: Path, role: str) -> None:
    """Ask to be enrolled with the ticket, and look at this machine, which has never been able to say anything."""
    from datetime import UTC, datetime

    from prerequis.v1.report_pb2 import Workstation
    from prerequis_agent.errors import ConfigurationError
    from prerequis_agent.offline import ask
    from prerequis_agent.origin import number
    from prerequis_agent.progress import progress_on
    from prerequis_agent.survey import survey

    if state.is_enrolled:
        raise ConfigurationError("Ce poste est déjà enrôlé : relancer sans --ticket.")
    asking = ask(state, ticket, role, datetime.now(UTC))
    names = frozenset(probe_names()) - {"line"}
    report = survey(state, names, progress_on(sys.stderr), sys.stderr.write, attended=True)
    if role:
        report.workstation.role = Workstation.Role.Value(role.upper())
    number(state, report)
    spool.put(report, asking)


def _import(state: State, path: Path) -> ExitCode:
    from prerequis_agent.bundle import take_answer
    from prerequis_agent.spool import Spool

    spool = Spool(state.spool)
    enrolled, delivery = take_answer(state, spool, path)
    if enrolled is not None:
        sys.stdout.write(f"Ce poste est rattaché à {enrolled.site} ({enrolled.finess}).\n")
    sys.stdout.write(f"Rapports remis : {delivery.kept}. En attente : {len(spool)}.\n")
    for reason in delivery.refusals:
        sys.stderr.write(f"Rapport refusé et mis de côté dans {spool.refused} : {reason}\n")
    return ExitCode.REFUSED if delivery.refusals else ExitCode.DONE
